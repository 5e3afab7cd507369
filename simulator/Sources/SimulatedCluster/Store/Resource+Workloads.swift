/// The resources around a node that the agent empties: pods, their budgets and claims, and the slots of a change.
extension Resource {
    /// Pods, without the defaults of a real server and without a kubelet that runs them.
    public static let pod = Resource(
        plural: "pods",
        kind: "Pod",
        shortNames: ["po"],
        isNamespaced: true,
        schema: .pod,
        subresources: ["status", "eviction"],
        selectableFields: [
            "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
            "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName",
        ]
    )
    public static let configMap = Resource(
        plural: "configmaps",
        kind: "ConfigMap",
        shortNames: ["cm"],
        isNamespaced: true,
        schema: .configMap
    )
    public static let lease = Resource(
        group: "coordination.k8s.io",
        plural: "leases",
        kind: "Lease",
        isNamespaced: true,
        schema: .lease
    )
    /// Budgets, whose numbers the server computes at each eviction without writing them to the status.
    public static let disruptionBudget = Resource(
        group: "policy",
        plural: "poddisruptionbudgets",
        kind: "PodDisruptionBudget",
        shortNames: ["pdb"],
        isNamespaced: true,
        schema: .disruptionBudget,
        subresources: ["status"]
    )
    /// ResourceSlices, in which drivers for dynamic resource allocation offer the devices of a node.
    public static let resourceSlice = Resource(
        group: "resource.k8s.io",
        plural: "resourceslices",
        kind: "ResourceSlice",
        isNamespaced: false,
        schema: .resourceSlice,
        versions: ["v1", "v1beta1"],
        selectableFields: ["spec.nodeName", "spec.driver"],
        blank: ["spec": ["pool": [:]], "metadata": [:]]
    )
}
