import FoundationEssentials

extension Rights {
    /// Reads the rights that the bindings in a file of manifests give to a service account.
    ///
    /// So the simulated server uses the shipped `rbac.yaml` itself and not a copy of its rules.
    ///
    /// - Parameters:
    ///   - file: A file with roles and role bindings.
    ///   - account: The name of the service account.
    ///   - space: The namespace of the service account.
    /// - Throws: `YAMLFileError`.
    public init(rbac file: String, account: String, in space: String) throws(YAMLFileError) {
        guard let data = try? Data(contentsOf: URL(filePath: file)) else {
            throw YAMLFileError(file: file, message: "cannot be read")
        }
        self.init(try YAMLFile.documents(Array(data), file: file), account: account, in: space)
        guard !rules.isEmpty else { throw YAMLFileError(file: file, message: "gives \(space)/\(account) no right") }
    }

    /// Finds the rights in documents.
    init(_ documents: [JSON], account: String, in space: String) {
        rules = documents.flatMap { binding -> [Rule] in
            let isCluster = binding["kind"] == "ClusterRoleBinding"
            guard isCluster || binding["kind"] == "RoleBinding" else { return [] }
            let isBound = (binding["subjects"]?.array ?? []).contains { subject in
                subject["kind"] == "ServiceAccount" && subject["name"]?.string == account
                    && subject["namespace"]?.string == space
            }
            guard isBound, let reference = binding["roleRef"] else { return [] }
            let namespace = isCluster ? nil : binding[path: ["metadata", "namespace"]]?.string
            let name = binding[path: ["metadata", "name"]]?.string ?? ""
            let grant =
                "\(isCluster ? "Cluster" : "")RoleBinding \"\(name)\(namespace.map { "/\($0)" } ?? "")\" of "
                + "\(reference["kind"]?.string ?? "") \"\(reference["name"]?.string ?? "")\" to "
                + "ServiceAccount \"\(account)/\(space)\""
            return documents.filter { role in
                role["kind"] == reference["kind"] && role[path: ["metadata", "name"]] == reference["name"]
                    && (role["kind"] == "ClusterRole" || role[path: ["metadata", "namespace"]]?.string == namespace)
            }
            .flatMap { $0["rules"]?.array ?? [] }
            .map { Rule($0, namespace: namespace, grant: grant) }
        }
    }
}

extension Rights.Rule {
    fileprivate init(_ rule: JSON, namespace: String?, grant: String) {
        func words(_ key: String) -> Set<String> { Set((rule[key]?.array ?? []).compactMap(\.string)) }
        self.init(
            verbs: words("verbs"),
            groups: words("apiGroups"),
            resources: words("resources"),
            resourceNames: words("resourceNames"),
            namespace: namespace,
            grant: grant
        )
    }
}
