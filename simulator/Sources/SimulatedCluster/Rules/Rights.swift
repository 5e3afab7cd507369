/// The user of a token, with the user's rights.
public struct User: Sendable, Equatable {
    public var name: String
    public var rights: Rights
    /// The claims of the token that admission policies see.
    public var extra: [String: [String]]

    public init(_ name: String, _ rights: Rights, extra: [String: [String]] = [:]) {
        self.name = name
        self.rights = rights
        self.extra = extra
    }

    /// A service account, with the token of a pod on a node.
    public static func serviceAccount(_ name: String, in space: String, node: String, _ rights: Rights) -> User {
        let claim = "authentication.kubernetes.io/node-name"
        return User("system:serviceaccount:\(space):\(name)", rights, extra: [claim: [node]])
    }

    /// The groups of the user, as the server finds them.
    var groups: [String] {
        let parts = name.split(separator: ":")
        guard parts.count == 4, parts[1] == "serviceaccount" else { return ["system:authenticated"] }
        return ["system:serviceaccounts", "system:serviceaccounts:\(parts[2])", "system:authenticated"]
    }
}

/// The access that a request needs.
public struct Access: Sendable, Equatable {
    public var verb: String
    public var group = ""
    public var resource: String
    public var subresource: String?
    public var namespace: String?
    /// The name of the object; for a list or a watch, the name in its field selector.
    public var name: String?

    public init(
        verb: String,
        group: String = "",
        resource: String,
        subresource: String? = nil,
        namespace: String? = nil,
        name: String? = nil
    ) {
        self.verb = verb
        self.group = group
        self.resource = resource
        self.subresource = subresource
        self.namespace = namespace
        self.name = name
    }
}

/// A set of rules; everything that no rule allows is forbidden.
public struct Rights: Sendable, Equatable {
    /// One rule of a role, with the namespace in which the role is bound.
    public struct Rule: Sendable, Equatable {
        public var verbs: Set<String>
        /// The API groups; `""` is the core group, and `*` means all groups.
        public var groups: Set<String>
        /// The resources, such as `nodes`, `nodes/status` or `events`; `*` means all resources.
        public var resources: Set<String>
        /// The names of the objects that the rule allows; empty means all objects.
        public var resourceNames: Set<String>
        /// The namespace of the rule; nil for the whole cluster.
        public var namespace: String?
        /// The binding that gives the rule, and to whom, in the words of the server; nil when there is no binding.
        public var grant: String?

        public init(
            verbs: Set<String>,
            groups: Set<String> = [""],
            resources: Set<String>,
            resourceNames: Set<String> = [],
            namespace: String? = nil,
            grant: String? = nil
        ) {
            self.verbs = verbs
            self.groups = groups
            self.resources = resources
            self.resourceNames = resourceNames
            self.namespace = namespace
            self.grant = grant
        }

        func allows(_ access: Access) -> Bool {
            let resource = access.subresource.map { "\(access.resource)/\($0)" } ?? access.resource
            guard verbs.contains(access.verb) || verbs.contains("*") else { return false }
            guard groups.contains(access.group) || groups.contains("*") else { return false }
            guard resources.contains(resource) || resources.contains("*") else { return false }
            guard namespace == nil || namespace == access.namespace else { return false }
            guard !resourceNames.isEmpty else { return true }
            return access.name.map(resourceNames.contains) ?? false
        }
    }

    public var rules: [Rule]

    public init(_ rules: [Rule]) { self.rules = rules }

    /// The rights of a cluster administrator.
    public static let everything = Rights([Rule(verbs: ["*"], groups: ["*"], resources: ["*"])])

    public func allow(_ access: Access) -> Bool { rule(allowing: access) != nil }

    /// The first rule that allows an access; nil when none does.
    func rule(allowing access: Access) -> Rule? { rules.first { $0.allows(access) } }
}
