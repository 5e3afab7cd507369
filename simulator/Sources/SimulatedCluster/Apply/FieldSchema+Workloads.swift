extension FieldSchema {
    /// A Pod of the core API; no type is known below its spec and its status.
    public static let pod = FieldSchema.structure([
        "apiVersion": .string, "kind": .string, "metadata": metadata, "spec": .untyped, "status": .untyped,
    ])

    /// A ConfigMap of the core API.
    public static let configMap = FieldSchema.structure([
        "apiVersion": .string, "kind": .string, "metadata": metadata, "data": .map(.string),
        "binaryData": .map(.string), "immutable": .boolean,
    ])

    /// A Lease of the group `coordination.k8s.io`.
    public static let lease = FieldSchema.structure([
        "apiVersion": .string, "kind": .string, "metadata": metadata,
        "spec": .structure([
            "holderIdentity": .string, "leaseDurationSeconds": .integer, "acquireTime": .microTime,
            "renewTime": .microTime, "leaseTransitions": .integer, "strategy": .string, "preferredHolder": .string,
        ]),
    ])

    /// A PodDisruptionBudget of the group `policy`.
    public static let disruptionBudget = FieldSchema.structure([
        "apiVersion": .string, "kind": .string, "metadata": metadata,
        "spec": .structure([
            "minAvailable": .untyped, "maxUnavailable": .untyped, "selector": .atomic,
            "unhealthyPodEvictionPolicy": .string,
        ]),
        "status": .untyped,
    ])

    /// A ResourceSlice of the group `resource.k8s.io`.
    ///
    /// Its devices have no type, because their members differ between the versions of the API.
    public static let resourceSlice = FieldSchema.structure([
        "apiVersion": .string, "kind": .string, "metadata": metadata,
        "spec": .structure([
            "driver": .string,
            "pool": .structure(["name": .string, "generation": .integer, "resourceSliceCount": .integer]),
            "nodeName": .string, "nodeSelector": .atomic, "allNodes": .boolean, "perDeviceNodeSelection": .boolean,
            "devices": .list(.untyped, .atomic), "sharedCounters": .list(.untyped, .atomic),
        ]),
    ])
}
