/// A kind of object that the server knows.
package struct Resource: Sendable {
    /// The API group; empty for the core.
    package var group = ""
    /// The plural that stands in paths, such as `nodes`.
    package var plural: String
    package var kind: String
    package var shortNames: [String] = []
    package var isNamespaced: Bool
    package var schema: FieldSchema
    package var subresources: [String] = []
    /// Whether objects can be written; the others are always an empty list.
    package var isStored = true

    package static let node = Resource(
        plural: "nodes",
        kind: "Node",
        shortNames: ["no"],
        isNamespaced: false,
        schema: .node,
        subresources: ["status"]
    )
    package static let event = Resource(
        plural: "events",
        kind: "Event",
        shortNames: ["ev"],
        isNamespaced: true,
        schema: .event
    )
    /// `kubectl describe node` asks for the node's pods.
    package static let pod = Resource(
        plural: "pods",
        kind: "Pod",
        shortNames: ["po"],
        isNamespaced: true,
        schema: .other,
        isStored: false
    )
    /// `kubectl describe node` asks for the node's lease.
    package static let lease = Resource(
        group: "coordination.k8s.io",
        plural: "leases",
        kind: "Lease",
        isNamespaced: true,
        schema: .other,
        isStored: false
    )

    package static let all = [node, event, pod, lease]

    /// `v1` for the core, else `group/v1`.
    package var groupVersion: String { group.isEmpty ? "v1" : "\(group)/v1" }
}

/// What a path names: a resource, one object of it, or a subresource.
package struct ResourceAddress: Sendable {
    package var resource: Resource
    package var namespace: String?
    package var name: String?
    package var subresource: String?

    /// Reads the segments of a path; nil when they name no resource.
    package init?(path: [String]) {
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
