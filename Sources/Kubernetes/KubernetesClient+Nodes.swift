package import Support

extension KubernetesClient {
    /// Reads a Node's metadata and taints, and whether the node is cordoned.
    package func node(_ name: String) async throws(KubernetesError) -> Node {
        try await send(.node(name), as: Node.self)
    }

    /// Applies all fields that the field manager sets on a Node, by server-side apply.
    ///
    /// The server removes a field that the manager applied before and omits now, unless another manager also owns it.
    /// Set the UID in the body. Otherwise the server creates the Node when it was deleted meanwhile.
    ///
    /// - Parameters:
    ///   - name: The name of the Node.
    ///   - subresource: `status` to apply conditions; nil for the other fields. A manager owns the fields of the two
    ///     apart from each other.
    ///   - body: `apiVersion`, `kind`, `metadata.name` and the fields to apply.
    ///   - fieldManager: The name of the field manager.
    ///   - force: Whether to take fields from other managers instead of failing with `conflict`.
    /// - Returns: The Node after the change.
    /// - Throws: `conflict` when another manager owns a field, or any other error of a request.
    package func applyNode(
        _ name: String,
        subresource: String? = nil,
        body: JSONValue,
        fieldManager: String,
        force: Bool = false
    ) async throws(KubernetesError) -> Node {
        let request = KubernetesRequest.applyNode(
            name,
            subresource: subresource,
            body: body,
            fieldManager: fieldManager,
            force: force
        )
        return try await send(request, as: Node.self)
    }

    /// Changes a Node, or a subresource such as `status`, by JSON patch.
    ///
    /// - Throws: `invalid` when a `test` operation fails, and then nothing is changed; or any other error of a request.
    package func patchNode(
        _ name: String,
        subresource: String? = nil,
        operations: [JSONPatchOperation],
        fieldManager: String
    ) async throws(KubernetesError) -> Node {
        let request = KubernetesRequest.patchNode(
            name,
            subresource: subresource,
            operations: operations,
            fieldManager: fieldManager
        )
        return try await send(request, as: Node.self)
    }

    /// Creates an event for a Node.
    ///
    /// An event that already exists is a success: an earlier attempt created it, but its response was lost.
    ///
    /// - Parameters:
    ///   - event: The event.
    ///   - namespace: The namespace of the event. The API requires `default` for objects without a namespace.
    /// - Throws: Any error of a request.
    package func createEvent(_ event: NodeEvent, namespace: String = "default") async throws(KubernetesError) {
        do throws(KubernetesError) {
            _ = try await send(.createEvent(event, namespace: namespace), as: Ignored.self)
        } catch {
            guard case .alreadyExists = error else { throw error }
        }
    }
}
