import FoundationEssentials
import Synchronization
import SystemPackage

/// A request that the server answered.
public struct RequestRecord: Codable, Sendable, Equatable {
    /// The time of the response, in seconds since 1970-01-01 00:00 UTC; for a watch, of its beginning.
    public var time: Double
    public var method: String
    /// The path with the query, as the client sent it.
    public var target: String
    public var contentType: String?
    public var accept: String?
    public var userAgent: String?
    /// The name of the user; nil when the token is not valid.
    public var user: String?
    /// The HTTP status; 0 when the server closed the connection without a response.
    public var status: Int

    init(_ request: APIRequest, user: String?, status: Int, at date: Date) {
        time = date.timeIntervalSince1970
        method = request.method
        target = request.target
        contentType = request.contentType
        accept = request.accept
        userAgent = request.userAgent
        self.user = user
        self.status = status
    }
}

/// Records all requests in memory, and optionally in a file with one line of JSON for each request.
public final class RequestLog: Sendable {
    private let records = Mutex<[RequestRecord]>([])
    private let file: FileDescriptor?

    /// Opens the log.
    ///
    /// - Parameter path: The file to append to, which is created when it does not exist; nil for no file.
    /// - Throws: `Errno` when the file cannot be opened.
    public init(path: String? = nil) throws {
        file = try path.map {
            let options: FileDescriptor.OpenOptions = [.append, .create]
            return try FileDescriptor.open(FilePath($0), .writeOnly, options: options, permissions: [.ownerReadWrite])
        }
    }

    deinit { try? file?.close() }

    /// The requests in memory.
    public var all: [RequestRecord] { records.withLock { $0 } }

    /// Removes the requests from memory, but not from the file.
    public func clear() { records.withLock { $0.removeAll() } }

    func append(_ record: RequestRecord) {
        records.withLock { records in
            records.append(record)
            guard let file else { return }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            // An error while writing the log must not fail the request.
            guard let line = try? encoder.encode(record) else { return }
            _ = try? file.writeAll(line + [UInt8(ascii: "\n")])
        }
    }
}
