package import Support

/// The part of an answer that is decoded when only the metadata is wanted.
struct MetadataEnvelope: Decodable, Sendable {
    var metadata: ObjectMetadata
}

/// An answer whose content is of no interest.
private struct Ignored: Decodable, Sendable {}

extension KubernetesClient {
    /// A Node's metadata, without the rest of it.
    package func nodeMetadata(_ name: String) async throws(KubernetesError) -> ObjectMetadata {
        try await send(.nodeMetadata(name), as: MetadataEnvelope.self).metadata
    }

    /// A Node's metadata and taints.
    package func node(_ name: String) async throws(KubernetesError) -> Node {
        try await send(.node(name), as: Node.self)
    }

    /// Says which fields of a Node this manager wants, all of them at once.
    ///
    /// A field that the manager applied before and leaves out now is removed, unless somebody else owns it too.
    /// Put the Node's uid into the body, or a Node that was deleted meanwhile is created anew.
    ///
    /// - Parameters:
    ///   - name: The Node.
    ///   - body: `apiVersion`, `kind`, `metadata.name` and the wanted fields.
    ///   - fieldManager: Who wants them.
    ///   - force: Take fields from other managers instead of failing with `conflict`.
    /// - Returns: The Node's metadata afterwards.
    /// - Throws: `conflict` when others own a field, or any other failure of a request.
    package func applyNode(
        _ name: String,
        body: JSONValue,
        fieldManager: String,
        force: Bool = false
    ) async throws(KubernetesError) -> ObjectMetadata {
        let request = KubernetesRequest.applyNode(name, body: body, fieldManager: fieldManager, force: force)
        return try await send(request, as: MetadataEnvelope.self).metadata
    }

    /// Changes a Node by JSON patch; a `test` that does not hold fails the whole patch with `invalid`.
    package func patchNode(
        _ name: String,
        operations: [JSONPatchOperation],
        fieldManager: String
    ) async throws(KubernetesError) -> Node {
        try await send(.patchNode(name, operations: operations, fieldManager: fieldManager), as: Node.self)
    }

    /// Reports an event of a Node.
    ///
    /// An event that is there already is a success: it was made by an earlier attempt whose answer got lost.
    ///
    /// - Parameters:
    ///   - event: The event.
    ///   - namespace: Where it is kept; the API wants `default` for things without a namespace.
    /// - Throws: Any failure of a request.
    package func createEvent(_ event: NodeEvent, namespace: String = "default") async throws(KubernetesError) {
        do throws(KubernetesError) {
            _ = try await send(.createEvent(event, namespace: namespace), as: Ignored.self)
        } catch {
            guard case .alreadyExists = error else { throw error }
        }
    }
}
