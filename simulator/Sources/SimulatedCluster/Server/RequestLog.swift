import FoundationEssentials
import Synchronization
import SystemPackage

/// One request that the server answered.
public struct RequestRecord: Codable, Sendable, Equatable {
    public var method: String
    /// The path with its query, as sent.
    public var target: String
    public var contentType: String?
    public var accept: String?
    public var userAgent: String?
    /// nil when the token is not known.
    public var user: String?
    /// 0 when the connection was closed instead.
    public var status: Int

    init(_ request: APIRequest, user: String?, status: Int) {
        method = request.method
        target = request.target
        contentType = request.contentType
        accept = request.accept
        userAgent = request.userAgent
        self.user = user
        self.status = status
    }
}

/// All requests so far, in memory and, if wanted, one JSON line each in a file.
public final class RequestLog: Sendable {
    private let records = Mutex<[RequestRecord]>([])
    private let file: FileDescriptor?

    /// - Parameter path: A file to append to; it is made when it is not there.
    /// - Throws: `Errno` when the file cannot be opened.
    public init(path: String? = nil) throws {
        file = try path.map {
            let options: FileDescriptor.OpenOptions = [.append, .create]
            return try FileDescriptor.open(FilePath($0), .writeOnly, options: options, permissions: [.ownerReadWrite])
        }
    }

    deinit { try? file?.close() }

    /// The requests so far.
    public var all: [RequestRecord] { records.withLock { $0 } }

    /// Forgets the requests so far; the file keeps them.
    public func clear() { records.withLock { $0.removeAll() } }

    func append(_ record: RequestRecord) {
        records.withLock { records in
            records.append(record)
            guard let file else { return }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            // A log that cannot be written must not fail the request it is about.
            guard let line = try? encoder.encode(record) else { return }
            _ = try? file.writeAll(line + [UInt8(ascii: "\n")])
        }
    }
}
