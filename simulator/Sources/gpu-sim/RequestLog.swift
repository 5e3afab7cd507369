import FoundationEssentials
import Glibc
import Hummingbird
import SimulatedCluster

/// What was asked and how far the answer came.
struct LoggedRequest: Encodable, Sendable {
    /// Seconds since 1970, when the answer ended.
    let time: Double
    let method: String
    let path: String
    let range: String?
    let ifRange: String?
    let status: Int
    /// The bytes of the body that were sent.
    let bytes: Int
    /// False when the answer broke off, on either side.
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

/// The server's log, one line of JSON for each request.
actor RequestLog {
    struct CannotOpen: Error, CustomStringConvertible {
        let path: String
        let code: Int32
        var description: String { "cannot open \(path): \(String(cString: strerror(code)))" }
    }

    private let descriptor: CInt?

    /// Opens the file to append to it; without a path nothing is logged.
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
