import FoundationEssentials
import Support

/// An event of a watch on a Node's metadata.
package enum NodeWatchEvent: Sendable {
    /// The Node was created, or existed when a watch without a resource version started.
    case added(ObjectMetadata)
    case modified(ObjectMetadata)
    /// The Node was deleted; the metadata is its last state.
    case deleted(ObjectMetadata)
    /// Nothing changed up to this version; the next watch can start from it.
    case bookmark(resourceVersion: String)
    /// The watch failed, and this is its last event.
    ///
    /// After `gone`, read the Node again and start the next watch from its version.
    case failed(KubernetesError)

    /// The resource version from which to continue after this event.
    package var resourceVersion: String? {
        switch self {
        case .added(let metadata), .modified(let metadata), .deleted(let metadata): metadata.resourceVersion
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
            case "BOOKMARK": self = .bookmark(resourceVersion: try Self.metadata(line).resourceVersion)
            case "ADDED": self = .added(try Self.metadata(line))
            case "MODIFIED": self = .modified(try Self.metadata(line))
            case "DELETED": self = .deleted(try Self.metadata(line))
            default: throw KubernetesError.malformed(subject: subject, detail: "watch event of type \(kind.type)")
            }
        } catch let error as KubernetesError {
            throw error
        } catch {
            throw .malformed(subject: subject, detail: errorChain(error))
        }
    }

    private static func metadata(_ line: Data) throws -> ObjectMetadata {
        try JSONDecoder().decode(WatchObject<MetadataEnvelope>.self, from: line).object.metadata
    }
}

private struct WatchKind: Decodable {
    var type: String
}

private struct WatchObject<Object: Decodable>: Decodable {
    var object: Object
}

/// A response of which only the metadata is decoded.
struct MetadataEnvelope: Decodable, Sendable {
    var metadata: ObjectMetadata
}
