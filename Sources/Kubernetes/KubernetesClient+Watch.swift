import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOFoundationEssentialsCompat
import Support

extension KubernetesClient {
    /// Watches one Node.
    ///
    /// The stream ends when the server ends the watch, which it does regularly. Then start another watch from the last
    /// version. The stream also ends after `failed`. Releasing the stream closes the connection.
    ///
    /// - Parameters:
    ///   - name: The name of the Node.
    ///   - resourceVersion: The resource version after which changes are reported.
    /// - Returns: The events.
    package func watchNode(_ name: String, from resourceVersion: String) -> AsyncStream<NodeWatchEvent> {
        let seconds = max(1, Int(limits.watch.components.seconds))
        let request = KubernetesRequest.watchNode(name, from: resourceVersion, seconds: seconds)
        let subject = subject(of: request)
        let (stream, continuation) = AsyncStream<NodeWatchEvent>.makeStream()
        let task = Task {
            do throws(KubernetesError) {
                let limit = self.limits.watch + self.limits.watchGrace
                try await withDeadline(limit, subject: subject) { () throws(KubernetesError) in
                    try await self.pump(request, subject, into: continuation)
                }
            } catch {
                continuation.yield(.failed(error))
            }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }

    private func pump(
        _ request: KubernetesRequest,
        _ subject: String,
        into continuation: AsyncStream<NodeWatchEvent>.Continuation
    ) async throws(KubernetesError) {
        let response = try await open(request, deadline: .now() + .init(limits.request))
        do {
            var lines = WatchLines(limit: limits.answerBytes)
            for try await chunk in response.body {
                for line in try lines.append(chunk) {
                    continuation.yield(try NodeWatchEvent(line: line, subject: subject))
                }
            }
        } catch {
            throw await failure(error, subject)
        }
    }
}

/// Splits the bytes of a watch into lines.
struct WatchLines {
    private var pending = ByteBuffer()
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Adds bytes and returns the lines that are now complete.
    ///
    /// - Throws: `NIOTooManyBytesError` for a line longer than the limit.
    mutating func append(_ chunk: ByteBuffer) throws -> [Data] {
        pending.writeImmutableBuffer(chunk)
        var lines: [Data] = []
        while let end = pending.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
            let length = end - pending.readerIndex
            let line = pending.readData(length: length) ?? Data()
            pending.moveReaderIndex(forwardBy: 1)
            if !line.isEmpty { lines.append(line) }
        }
        pending.discardReadBytes()
        guard pending.readableBytes <= limit else { throw NIOTooManyBytesError(maxBytes: limit) }
        return lines
    }
}
