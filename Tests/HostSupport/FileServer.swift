import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// An HTTP server on the loopback interface that serves one file, correctly or with faults, and records the requests.
package final class FileServer: Sendable {
    /// The response to one request.
    package enum Answer: Sendable {
        /// The file, or the requested range while the `If-Range` tag matches the file.
        case file
        /// The whole file, even for a range request.
        case whole
        /// Like `file`, but the connection closes after this number of bytes.
        case cut(after: Int)
        /// Like `file`, but nothing follows after this number of bytes until the server stops.
        case stall(after: Int)
        /// The whole file, with this `Content-Length`.
        case declared(length: Int)
        /// The whole file, without a `Content-Length`.
        case unmeasured
        /// A range that begins at a position that was not requested.
        case wrongRange
        case status(Int, retryAfter: Int? = nil)
        case webPage
        /// A redirect to this place; nil for one that names none.
        case redirect(String?)
        /// As `file`, in parts of so many bytes, one every 50 milliseconds.
        case trickle(bytes: Int)
        /// The file again and again, until the client goes away; its length is not said.
        case endless
    }

    package struct Question: Sendable, Equatable {
        package var path: String
        package var range: String?
        package var ifRange: String?

        package init(path: String = "/file", range: String? = nil, ifRange: String? = nil) {
            self.path = path
            self.range = range
            self.ifRange = ifRange
        }
    }

    private struct State {
        var file: [UInt8]
        var tag: String?
        var answers: [Answer]
        var questions: [Question] = []
        var port = 0
    }

    private struct Cut: Error {}

    private let state: Mutex<State>

    package var url: String { "http://127.0.0.1:\(state.withLock { $0.port })/file" }
    package var questions: [Question] { state.withLock { $0.questions } }
    package var file: [UInt8] { state.withLock { $0.file } }

    private init(_ state: State) {
        self.state = Mutex(state)
    }

    /// Serves `file` while `body` runs: one response of the list for each request, and `file` after the last.
    package static func serving<Result>(
        _ file: [UInt8],
        tag: String? = "\"v1\"",
        answers: [Answer] = [],
        _ body: (FileServer) async throws -> Result
    ) async throws -> Result {
        let server = FileServer(State(file: file, tag: tag, answers: answers))
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { request, _ in server.respond(to: request) },
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in continuation.yield(channel.localAddress?.port ?? 0) },
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        // A graceful stop: a canceled server ends the process when it has accepted a connection and not yet handled it.
        var configuration = ServiceGroupConfiguration(services: [application], logger: application.logger)
        configuration.maximumGracefulShutdownDuration = .milliseconds(200)
        let group = ServiceGroup(configuration: configuration)
        Task { try await group.run() }
        defer { Task { await group.triggerGracefulShutdown() } }
        let port = await ports.first { _ in true } ?? 0
        server.state.withLock { $0.port = port }
        return try await body(server)
    }

    /// Replaces the file and its tag, and the list of the next responses.
    package func replace(file: [UInt8], tag: String?, answers: [Answer] = []) {
        state.withLock {
            $0.file = file
            $0.tag = tag
            $0.answers = answers
        }
    }

    private func respond(to request: Request) -> Response {
        let question = Question(
            path: request.uri.path,
            range: request.headers[.range],
            ifRange: request.headers[.ifRange]
        )
        let (file, tag, answer) = state.withLock { state in
            state.questions.append(question)
            return (state.file, state.tag, state.answers.isEmpty ? .file : state.answers.removeFirst())
        }
        var headers: HTTPFields = [.contentType: "application/octet-stream"]
        headers[.eTag] = tag
        switch answer {
        case .status(let code, let retryAfter):
            headers[.retryAfter] = retryAfter.map { "\($0)" }
            return Response(
                status: .init(code: code),
                headers: headers,
                body: .init(byteBuffer: ByteBuffer(string: "no"))
            )
        case .webPage:
            headers[.contentType] = "text/html; charset=utf-8"
            return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(string: "<html>")))
        case .redirect(let place):
            headers[.location] = place
            return Response(status: .found, headers: headers)
        case .whole, .unmeasured, .endless:
            return Response(status: .ok, headers: headers, body: body(file[...], answer))
        case .declared(let length):
            headers[.contentLength] = "\(length)"
            return Response(status: .ok, headers: headers, body: body(file[...], answer))
        case .wrongRange:
            headers[.contentRange] = "bytes 1-\(file.count - 1)/\(file.count)"
            return Response(status: .partialContent, headers: headers, body: body(file[1...], answer))
        case .file, .cut, .stall, .trickle:
            guard let first = first(question, tag) else {
                return Response(status: .ok, headers: headers, body: body(file[...], answer))
            }
            guard first < file.count else {
                headers[.contentRange] = "bytes */\(file.count)"
                return Response(status: .rangeNotSatisfiable, headers: headers)
            }
            headers[.contentRange] = "bytes \(first)-\(file.count - 1)/\(file.count)"
            return Response(status: .partialContent, headers: headers, body: body(file[first...], answer))
        }
    }

    /// The first position of the range to serve; nil for the whole file.
    private func first(_ question: Question, _ tag: String?) -> Int? {
        guard let range = question.range, range.hasPrefix("bytes="), range.hasSuffix("-") else { return nil }
        guard question.ifRange == nil || question.ifRange == tag else { return nil }
        return Int(range.dropFirst(6).dropLast())
    }

    private func body(_ bytes: ArraySlice<UInt8>, _ answer: Answer) -> ResponseBody {
        let isMeasured =
            switch answer {
            case .unmeasured, .endless: false
            default: true
            }
        return ResponseBody(contentLength: isMeasured ? bytes.count : nil) { writer in
            let limit =
                switch answer {
                case .cut(let after), .stall(let after): min(after, bytes.count)
                default: bytes.count
                }
            let size = if case .trickle(let size) = answer { size } else { 64 << 10 }
            repeat {
                var rest = bytes.prefix(limit)
                while !rest.isEmpty {
                    try await writer.write(ByteBuffer(bytes: rest.prefix(size)))
                    rest = rest.dropFirst(size)
                    if case .trickle = answer { try await Task.sleep(for: .milliseconds(50)) }
                }
            } while answer.isEndless
            if case .cut = answer { throw Cut() }
            // Ends when the server is stopped, and not before.
            if case .stall = answer { try await Task.sleep(for: .seconds(3600)) }
            try await writer.finish(nil)
        }
    }
}

extension FileServer.Answer {
    fileprivate var isEndless: Bool { if case .endless = self { true } else { false } }
}
