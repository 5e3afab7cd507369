import FoundationEssentials
import Glibc
import Hummingbird
import SimulatedCluster

/// A request, and how much of the response the server sent.
struct LoggedRequest: Encodable, Sendable {
    /// The end of the response, in seconds since 1970-01-01 00:00 UTC.
    let time: Double
    let method: String
    let path: String
    let range: String?
    let ifRange: String?
    let status: Int
    /// The number of bytes of the body that the server sent.
    let bytes: Int
    /// Whether the server sent the whole response; false when either side ended it early.
    let complete: Bool

    init(_ request: Request, status: HTTPResponse.Status, bytes: Int, complete: Bool) {
        time = Date().timeIntervalSince1970
        method = request.method.rawValue
        path = request.uri.path
        range = request.headers[.range]
        ifRange = request.headers[.ifRange]
        self.status = status.code
        self.bytes = bytes
        self.complete = complete
    }
}

/// The request log, with a line of JSON for each request.
actor RequestLog {
    struct CannotOpen: Error, CustomStringConvertible {
        let path: String
        let code: Int32
        var description: String { "cannot open \(path): \(String(cString: strerror(code)))" }
    }

    private let descriptor: CInt?

    /// Opens the file to append to it; without a path, the log is off.
    init(path: String?) throws {
        guard let path else {
            descriptor = nil
            return
        }
        let opened = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard opened >= 0 else { throw CannotOpen(path: path, code: errno) }
        descriptor = opened
    }

    func append(_ request: LoggedRequest) {
        guard let descriptor else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard var line = try? encoder.encode(request) else { return }
        line.append(UInt8(ascii: "\n"))
        _ = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }
}
