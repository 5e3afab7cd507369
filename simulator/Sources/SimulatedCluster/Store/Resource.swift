/// A kind of object that the server knows.
public struct Resource: Sendable {
    /// The API group; empty for the core.
    public var group = ""
    /// The plural name in paths, such as `nodes`.
    public var plural: String
    public var kind: String
    public var shortNames: [String] = []
    public var isNamespaced: Bool
    public var schema: FieldSchema
    public var subresources: [String] = []
    /// Whether clients can write objects; otherwise, the list of objects is always empty.
    public var isStored = true
    /// The versions of the API group, the preferred one first; the server keeps an object as it was written.
    public var versions = ["v1"]

    public static let node = Resource(
        plural: "nodes",
        kind: "Node",
        shortNames: ["no"],
        isNamespaced: false,
        schema: .node,
        subresources: ["status"]
    )
    public static let event = Resource(
        plural: "events",
        kind: "Event",
        shortNames: ["ev"],
        isNamespaced: true,
        schema: .event
    )
    /// Pods, because `kubectl describe node` lists the pods of the node.
    public static let pod = Resource(
        plural: "pods",
        kind: "Pod",
        shortNames: ["po"],
        isNamespaced: true,
        schema: .other,
        isStored: false
    )
    /// Leases, because `kubectl describe node` reads the lease of the node.
    public static let lease = Resource(
        group: "coordination.k8s.io",
        plural: "leases",
        kind: "Lease",
        isNamespaced: true,
        schema: .other,
        isStored: false
    )

    /// ResourceSlices, in which drivers for dynamic resource allocation offer the devices of a node.
    public static let resourceSlice = Resource(
        group: "resource.k8s.io",
        plural: "resourceslices",
        kind: "ResourceSlice",
        isNamespaced: false,
        schema: .other,
        versions: ["v1", "v1beta1"]
    )

    public static let all = [node, event, pod, lease, resourceSlice]

    /// The API version: `v1` for the core group, and `group/v1` otherwise.
    public var groupVersion: String { group.isEmpty ? "v1" : "\(group)/v1" }
}

/// The target of a path: a resource, an object, or a subresource.
public struct ResourceAddress: Sendable {
    public var resource: Resource
    public var namespace: String?
    public var name: String?
    public var subresource: String?

    /// Parses the segments of a path; nil when they do not name a resource.
    public init?(path: [String]) {
        var rest = path[...]
        let (group, version): (String, String)
        if path.starts(with: ["api", "v1"]) {
            (group, version) = ("", "v1")
            rest = rest.dropFirst(2)
        } else if path.count > 3, path[0] == "apis" {
            (group, version) = (path[1], path[2])
            rest = rest.dropFirst(3)
        } else {
            return nil
        }
        var namespace: String?
        if rest.first == "namespaces", rest.count > 2 {
            rest = rest.dropFirst()
            namespace = rest.removeFirst()
        }
        let segments = Array(rest)
        guard (1...3).contains(segments.count),
            let resource = Resource.all.first(where: { $0.group == group && $0.plural == segments[0] }),
            resource.versions.contains(version), resource.isNamespaced || namespace == nil
        else { return nil }
        self.resource = resource
        self.namespace = namespace
        name = segments.count > 1 ? segments[1] : nil
        subresource = segments.count > 2 ? segments[2] : nil
        if resource.isNamespaced, name != nil, namespace == nil { return nil }
        if let subresource, !resource.subresources.contains(subresource) { return nil }
    }
}
