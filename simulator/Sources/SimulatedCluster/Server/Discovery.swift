/// The discovery documents, which are sufficient for kubectl to find the resources.
enum Discovery {
    /// The discovery document at a path; nil when there is none.
    static func document(_ request: APIRequest) -> JSON? {
        guard request.method == "GET" else { return nil }
        switch request.path {
        case ["version"]: return version
        case ["api"]: return ["kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []]
        case ["apis"]: return ["kind": "APIGroupList", "apiVersion": "v1", "groups": .array(groups.map(group))]
        case ["api", "v1"]: return resources(of: "", "v1")
        default: break
        }
        guard request.path.first == "apis", request.path.count > 1, groups.contains(request.path[1]) else { return nil }
        let name = request.path[1]
        switch request.path.count {
        case 2: return group(name)
        case 3 where versions(of: name).contains(request.path[2]): return resources(of: name, request.path[2])
        default: return nil
        }
    }

    /// The groups beside the core.
    private static let groups = Set(Resource.all.map(\.group)).subtracting([""]).sorted()

    private static let version: JSON = [
        "major": "1", "minor": "32", "gitVersion": "v1.32.0", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux/amd64",
    ]

    private static func versions(of group: String) -> [String] {
        Resource.all.first { $0.group == group }?.versions ?? []
    }

    private static func group(_ name: String) -> JSON {
        let versions = versions(of: name).map { version -> JSON in
            ["groupVersion": .string("\(name)/\(version)"), "version": .string(version)]
        }
        return ["name": .string(name), "versions": .array(versions), "preferredVersion": versions.first ?? [:]]
    }

    private static func resources(of group: String, _ version: String) -> JSON {
        let entries = Resource.all.filter { $0.group == group && $0.versions.contains(version) }.flatMap { resource in
            [entry(resource, resource.plural, all)]
                + resource.subresources.map { name in
                    let path = "\(resource.plural)/\(name)"
                    guard name == "eviction" else { return entry(resource, path, ["get", "patch", "update"]) }
                    var eviction = entry(resource, path, ["create"])
                    eviction["group"] = "policy"
                    eviction["version"] = "v1"
                    eviction["kind"] = "Eviction"
                    return eviction
                }
        }
        return [
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": .string(group.isEmpty ? version : "\(group)/\(version)"),
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
