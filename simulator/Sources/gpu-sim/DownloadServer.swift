import Glibc
import Hummingbird
import NIOCore
import NIOPosix
import Synchronization

/// Serves the files of one directory, and injects faults.
final class DownloadServer: Sendable {
    private let directory: String
    private let bytesPerSecond: Int?
    private let cut: Int?
    private let corrupt: Int?
    private let html: Bool
    private let unavailable: Mutex<Int>
    private let log: RequestLog

    init(directory: String, bytesPerSecond: Int?, faults: [DownloadFault], log: RequestLog) {
        self.directory = directory
        self.bytesPerSecond = bytesPerSecond
        self.log = log
        var (cut, corrupt, html, unavailable) = (Int?.none, Int?.none, false, 0)
        for fault in faults {
            switch fault {
            case .cut(let bytes): cut = bytes
            case .corrupt(let byte): corrupt = byte
            case .html: html = true
            case .unavailable(let requests): unavailable = requests
            }
        }
        self.cut = cut
        self.corrupt = corrupt
        self.html = html
        self.unavailable = Mutex(unavailable)
    }

    func respond(to request: Request) async -> Response {
        let isUnavailable = unavailable.withLock { left in
            defer { left = max(0, left - 1) }
            return left > 0
        }
        if isUnavailable {
            return await plain(.serviceUnavailable, request, headers: [.retryAfter: "1"])
        }
        if html {
            let page = "<!DOCTYPE html>\n<title>Sign in</title>\n<p>Please sign in to use this network.</p>\n"
            return await plain(.ok, request, headers: [.contentType: "text/html"], text: page)
        }
        guard request.method == .get || request.method == .head else {
            return await plain(.methodNotAllowed, request, headers: [.allow: "GET, HEAD"])
        }
        guard let file = ServedFile(directory: directory, requestPath: request.uri.path) else {
            return await plain(.notFound, request, text: "not found\n")
        }
        return await answer(request, with: file)
    }

    private func answer(_ request: Request, with file: ServedFile) async -> Response {
        var headers: HTTPFields = [
            .acceptRanges: "bytes", .eTag: file.entityTag, .contentType: "application/octet-stream",
        ]
        if request.headers[.ifNoneMatch] == file.entityTag {
            return await plain(.notModified, request, headers: headers)
        }
        var bytes = 0..<file.size
        var status = HTTPResponse.Status.ok
        let condition = request.headers[.ifRange]
        if let value = request.headers[.range], condition == nil || condition == file.entityTag {
            switch ByteRange(value)?.resolved(size: file.size) {
            case nil:
                break  // The server does not support this unit or form. As RFC 9110 says, it sends the whole file.
            case .unsatisfiable:
                headers[.contentRange] = "bytes */\(file.size)"
                return await plain(.rangeNotSatisfiable, request, headers: headers)
            case .bytes(let range):
                bytes = range
                status = .partialContent
                headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)"
            }
        }
        if request.method == .head {
            headers[.contentLength] = String(bytes.count)
            await log.append(LoggedRequest(request, status: status, bytes: 0, complete: true))
            return Response(status: status, headers: headers)
        }
        let body = ResponseBody(contentLength: bytes.count) { [self, bytes, status] writer in
            var sent = 0
            do {
                try await send(bytes, of: file, to: &writer, sent: &sent)
                await log.append(LoggedRequest(request, status: status, bytes: sent, complete: true))
            } catch {
                await log.append(LoggedRequest(request, status: status, bytes: sent, complete: false))
                throw error
            }
            try await writer.finish(nil)
        }
        return Response(status: status, headers: headers, body: body)
    }

    @concurrent
    private func send(
        _ bytes: Range<Int>,
        of file: ServedFile,
        to writer: inout any ResponseBodyWriter,
        sent: inout Int
    ) async throws {
        let pool = NIOThreadPool.singleton
        let descriptor = try await pool.runIfActive { open(file.path, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw BrokenOff() }
        defer { close(descriptor) }
        // With a limited rate, send 20 chunks per second.
        let chunk = bytesPerSecond.map { min(max($0 / 20, 256), 65_536) } ?? 65_536
        let start = ContinuousClock.now
        while sent < bytes.count {
            let left = min(bytes.count, cut ?? bytes.count) - sent
            guard left > 0 else { throw BrokenOff() }
            let offset = bytes.lowerBound + sent
            var data = try await pool.runIfActive { readChunk(descriptor, offset: offset, count: min(chunk, left)) }
            guard !data.isEmpty else { throw BrokenOff() }
            if let corrupt, (offset..<offset + data.count).contains(corrupt) {
                data[corrupt - offset] ^= 0x01
            }
            try await writer.write(ByteBuffer(bytes: data))
            sent += data.count
            if let bytesPerSecond {
                let due = start + .seconds(Double(sent) / Double(bytesPerSecond))
                try await Task.sleep(until: due, clock: .continuous)
            }
        }
    }

    /// Sends a short response immediately.
    private func plain(
        _ status: HTTPResponse.Status,
        _ request: Request,
        headers: HTTPFields = [:],
        text: String = ""
    ) async -> Response {
        await log.append(LoggedRequest(request, status: status, bytes: text.utf8.count, complete: true))
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

/// Aborts a response: the server closes the connection before the end of the body.
private struct BrokenOff: Error {}

private func readChunk(_ descriptor: CInt, offset: Int, count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        filled = max(0, pread(descriptor, buffer.baseAddress, count, off_t(offset)))
    }
}
