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
    /// The versions of the API group, the preferred one first; the server does not convert objects between them.
    public var versions = ["v1"]
    /// The fields that a field selector can name, beside the name and the namespace.
    public var selectableFields: Set<String> = []
    /// The object with only the structures that every object of the type has.
    ///
    /// `managedFields` names their members, but not the structures.
    public var blank: JSON = ["spec": [:], "status": [:], "metadata": [:]]

    public static let node = Resource(
        plural: "nodes",
        kind: "Node",
        shortNames: ["no"],
        isNamespaced: false,
        schema: .node,
        subresources: ["status"],
        selectableFields: ["spec.unschedulable"]
    )
    public static let event = Resource(
        plural: "events",
        kind: "Event",
        shortNames: ["ev"],
        isNamespaced: true,
        schema: .event,
        selectableFields: [
            "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
            "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "type",
            "source", "reportingComponent",
        ]
    )

    public static let all = [node, event, pod, configMap, lease, disruptionBudget, resourceSlice]

    /// The API version: `v1` for the core group, and `group/v1` otherwise.
    public var groupVersion: String { group.isEmpty ? "v1" : "\(group)/v1" }

    /// The group, the version and the kind as the server prints them.
    public var groupVersionKind: String { "\(group)/v1, Kind=\(kind)" }

    /// A name with the group after it, as messages have it: `pods`, or `leases.coordination.k8s.io`.
    public func qualified(_ name: String) -> String { group.isEmpty ? name : "\(name).\(group)" }
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
