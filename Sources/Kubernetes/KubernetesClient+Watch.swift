import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOFoundationEssentialsCompat
import Support

/// An event of a watch on a Node.
package enum NodeWatchEvent: Sendable {
    /// The Node was created, or existed when a watch without a resource version started.
    case added(Node)
    case modified(Node)
    /// The Node was deleted; the value is its last state.
    case deleted(Node)
    /// Nothing changed up to this version; the next watch can start from it.
    case bookmark(resourceVersion: String)
    /// The watch failed, and this is its last event.
    ///
    /// After `gone`, read the Node again and start the next watch from its version.
    case failed(KubernetesError)

    /// The resource version from which to continue after this event.
    package var resourceVersion: String? {
        switch self {
        case .added(let node), .modified(let node), .deleted(let node): node.metadata.resourceVersion
        case .bookmark(let version): version
        case .failed: nil
        }
    }
}

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

extension NodeWatchEvent {
    /// Decodes one line of a watch.
    ///
    /// - Throws: The error of the `Status` in an `ERROR` event, or `malformed`.
    init(line: Data, subject: String) throws(KubernetesError) {
        do {
            let kind = try JSONDecoder().decode(WatchKind.self, from: line)
            switch kind.type {
            case "ERROR":
                let status = try JSONDecoder().decode(WatchObject<StatusDocument>.self, from: line).object
                throw KubernetesError(status: status.code ?? 500, document: status, subject: subject)
            case "BOOKMARK": self = .bookmark(resourceVersion: try Self.node(line).metadata.resourceVersion)
            case "ADDED": self = .added(try Self.node(line))
            case "MODIFIED": self = .modified(try Self.node(line))
            case "DELETED": self = .deleted(try Self.node(line))
            default: throw KubernetesError.malformed(subject: subject, detail: "watch event of type \(kind.type)")
            }
        } catch let error as KubernetesError {
            throw error
        } catch {
            throw .malformed(subject: subject, detail: errorChain(error))
        }
    }

    private static func node(_ line: Data) throws -> Node {
        try JSONDecoder().decode(WatchObject<Node>.self, from: line).object
    }
}

private struct WatchKind: Decodable {
    var type: String
}

private struct WatchObject<Object: Decodable>: Decodable {
    var object: Object
}
