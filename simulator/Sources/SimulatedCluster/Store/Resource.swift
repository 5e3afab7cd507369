/// A kind of object that the server knows.
public struct Resource: Sendable {
    /// The API group; empty for the core.
    public var group = ""
    /// The plural that stands in paths, such as `nodes`.
    public var plural: String
    public var kind: String
    public var shortNames: [String] = []
    public var isNamespaced: Bool
    public var schema: FieldSchema
    public var subresources: [String] = []
    /// Whether objects can be written; the others are always an empty list.
    public var isStored = true

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
    /// `kubectl describe node` asks for the node's pods.
    public static let pod = Resource(
        plural: "pods",
        kind: "Pod",
        shortNames: ["po"],
        isNamespaced: true,
        schema: .other,
        isStored: false
    )
    /// `kubectl describe node` asks for the node's lease.
    public static let lease = Resource(
        group: "coordination.k8s.io",
        plural: "leases",
        kind: "Lease",
        isNamespaced: true,
        schema: .other,
        isStored: false
    )

    public static let all = [node, event, pod, lease]

    /// `v1` for the core, else `group/v1`.
    public var groupVersion: String { group.isEmpty ? "v1" : "\(group)/v1" }
}

/// What a path names: a resource, one object of it, or a subresource.
public struct ResourceAddress: Sendable {
    public var resource: Resource
    public var namespace: String?
    public var name: String?
    public var subresource: String?

    /// Reads the segments of a path; nil when they name no resource.
    public init?(path: [String]) {
        var rest = path[...]
        let group: String
        if path.starts(with: ["api", "v1"]) {
            group = ""
            rest = rest.dropFirst(2)
        } else if path.count > 3, path[0] == "apis", path[2] == "v1" {
            group = path[1]
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
            resource.isNamespaced || namespace == nil
        else { return nil }
        self.resource = resource
        self.namespace = namespace
        name = segments.count > 1 ? segments[1] : nil
        subresource = segments.count > 2 ? segments[2] : nil
        if resource.isNamespaced, name != nil, namespace == nil { return nil }
        if let subresource, !resource.subresources.contains(subresource) { return nil }
    }
}
