/// The discovery documents, which are sufficient for kubectl to find the resources.
enum Discovery {
    /// The discovery document at a path; nil when there is none.
    static func document(_ request: APIRequest) -> JSON? {
        guard request.method == "GET" else { return nil }
        switch request.path {
        case ["version"]: return version
        case ["api"]: return ["kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []]
        case ["apis"]: return ["kind": "APIGroupList", "apiVersion": "v1", "groups": [group]]
        case ["apis", "coordination.k8s.io"]: return group
        case ["api", "v1"]: return resources(of: "")
        case ["apis", "coordination.k8s.io", "v1"]: return resources(of: "coordination.k8s.io")
        default: return nil
        }
    }

    private static let version: JSON = [
        "major": "1", "minor": "32", "gitVersion": "v1.32.0", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux/amd64",
    ]

    private static let group: JSON = [
        "name": "coordination.k8s.io",
        "versions": [["groupVersion": "coordination.k8s.io/v1", "version": "v1"]],
        "preferredVersion": ["groupVersion": "coordination.k8s.io/v1", "version": "v1"],
    ]

    private static func resources(of group: String) -> JSON {
        let entries = Resource.all.filter { $0.group == group }.flatMap { resource in
            [entry(resource, resource.plural, resource.isStored ? all : ["get", "list"])]
                + resource.subresources.map { entry(resource, "\(resource.plural)/\($0)", ["get", "patch", "update"]) }
        }
        return [
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": .string(group.isEmpty ? "v1" : "\(group)/v1"),
            "resources": .array(entries),
        ]
    }

    private static let all = ["create", "delete", "get", "list", "patch", "update", "watch"]

    private static func entry(_ resource: Resource, _ name: String, _ verbs: [String]) -> JSON {
        [
            "name": .string(name),
            "singularName": .string(name.contains("/") ? "" : resource.kind.lowercased()),
            "namespaced": .bool(resource.isNamespaced),
            "kind": .string(resource.kind),
            "verbs": .array(verbs.map(JSON.string)),
            "shortNames": .array(name.contains("/") ? [] : resource.shortNames.map(JSON.string)),
        ]
    }
}
