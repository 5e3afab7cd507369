extension KubernetesRequest {
    /// Lists the ResourceSlices of one driver on one node.
    ///
    /// `version` is the version of the API, such as `v1`.
    package static func resourceSlices(of driver: String, on node: String, version: String) -> Self {
        Self(
            method: .get,
            path: ["apis", "resource.k8s.io", version, "resourceslices"],
            query: [QueryItem("fieldSelector", "spec.nodeName=\(node),spec.driver=\(driver)")]
        )
    }
}

extension KubernetesClient {
    /// Lists the ResourceSlices of one driver on one node.
    ///
    /// - Parameters:
    ///   - driver: The name of the driver, such as `gpu.nvidia.com`.
    ///   - node: The name of the Node.
    ///   - version: The version of the API: `v1` since Kubernetes 1.34, `v1beta1` since 1.32.
    /// - Returns: The slices; empty when the driver has none there.
    /// - Throws: `notFound` when the server does not have this version, or any other error of a request.
    package func resourceSlices(
        of driver: String,
        on node: String,
        version: String
    ) async throws(KubernetesError) -> [ResourceSlice] {
        try await list(.resourceSlices(of: driver, on: node, version: version), of: ResourceSlice.self)
    }
}
