extension KubernetesClient {
    /// Reads a Lease.
    ///
    /// - Throws: `notFound` when it does not exist, or any other error of a request.
    package func lease(_ name: String, namespace: String) async throws(KubernetesError) -> Lease {
        try await send(.lease(name, namespace: namespace), as: Lease.self)
    }

    /// Creates a Lease.
    ///
    /// - Returns: The Lease with its version.
    /// - Throws: `alreadyExists` when somebody else was faster, or any other error of a request.
    package func createLease(_ lease: Lease, fieldManager: String) async throws(KubernetesError) -> Lease {
        try await send(.createLease(lease, fieldManager: fieldManager), as: Lease.self)
    }

    /// Writes a Lease that was read, unless somebody changed it since then.
    ///
    /// - Returns: The Lease with its new version.
    /// - Throws: `conflict` when it was changed since it was read, `malformed` when it was not read from the server, or
    ///   any other error of a request.
    package func updateLease(_ lease: Lease, fieldManager: String) async throws(KubernetesError) -> Lease {
        let request = KubernetesRequest.updateLease(lease, fieldManager: fieldManager)
        // Without a version, the server would replace the place of another holder.
        guard !lease.resourceVersion.isEmpty else {
            throw .malformed(subject: subject(of: request), detail: "the lease has no resourceVersion")
        }
        return try await send(request, as: Lease.self)
    }
}

extension KubernetesRequest {
    /// Reads a Lease.
    package static func lease(_ name: String, namespace: String) -> Self {
        Self(method: .get, path: leasePath(namespace) + [name])
    }

    /// Creates a Lease.
    package static func createLease(_ lease: Lease, fieldManager: String) -> Self {
        Self(
            method: .post,
            path: leasePath(lease.namespace),
            query: [QueryItem("fieldManager", fieldManager)],
            contentType: json,
            body: lease.document
        )
    }

    /// Replaces a Lease, with the version that was read in the body.
    package static func updateLease(_ lease: Lease, fieldManager: String) -> Self {
        Self(
            method: .put,
            path: leasePath(lease.namespace) + [lease.name],
            query: [QueryItem("fieldManager", fieldManager)],
            contentType: json,
            body: lease.document
        )
    }

    private static func leasePath(_ namespace: String) -> [String] {
        ["apis", "coordination.k8s.io", "v1", "namespaces", namespace, "leases"]
    }
}
