import FoundationEssentials
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
