import FoundationEssentials
import Hummingbird
import NIOCore
import NIOFoundationEssentialsCompat

/// The context of a request, with its connection, which a fault can close.
struct ConnectionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}

/// A fault closed the connection.
private struct ConnectionDropped: Error {}

extension APIHandler {
    private static let bodyBytes = 3 << 20

    /// Answers one HTTP request.
    func respond(to request: Request, _ context: ConnectionContext) async throws -> Response {
        // With half-closed connections, both sides would wait for seconds until the other one closes the connection.
        try await context.channel.setOption(.allowRemoteHalfClosure, value: false).get()
        let body = try await request.body.collect(upTo: Self.bodyBytes)
        let answer = await respond(
            to: APIRequest(
                method: request.method.rawValue,
                target: request.head.path ?? "/",
                accept: request.headers[.accept],
                contentType: request.headers[.contentType],
                userAgent: request.headers[.userAgent],
                authorization: request.headers[.authorization],
                body: Data(buffer: body)
            )
        )
        var headers = HTTPFields()
        headers[.contentType] = "application/json"
        headers[.retryAfter] = answer.retryAfter.map(String.init)
        let status = HTTPResponse.Status(code: answer.status)
        switch answer.body {
        case .json(let value):
            let bytes = ByteBuffer(data: try value.data() + [UInt8(ascii: "\n")])
            return Response(status: status, headers: headers, body: .init(byteBuffer: bytes))
        case .text(let text):
            headers[.contentType] = "text/plain; charset=utf-8"
            return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: text)))
        case .watch(let plan):
            let body = ResponseBody { writer in
                var session = await plan.open()
                for await signal in session.signals {
                    guard let event = session.event(for: signal) else { continue }
                    let line = try event.data() + [UInt8(ascii: "\n")]
                    guard let cut = plan.cut else {
                        try await writer.write(ByteBuffer(data: line))
                        continue
                    }
                    try await writer.write(ByteBuffer(data: line.prefix(cut)))
                    context.channel.close(mode: .all, promise: nil)
                    throw ConnectionDropped()
                }
                try await writer.finish(nil)
            }
            return Response(status: status, headers: headers, body: body)
        case .dropped:
            context.channel.close(mode: .all, promise: nil)
            throw ConnectionDropped()
        }
    }
}
