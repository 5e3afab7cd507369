/// Who a token stands for, and what they may do.
package struct User: Sendable, Equatable {
    package var name: String
    package var rights: Rights

    package init(_ name: String, _ rights: Rights) {
        self.name = name
        self.rights = rights
    }
}

/// One thing that a request wants to do.
package struct Access: Sendable, Equatable {
    package var verb: String
    package var group = ""
    package var resource: String
    package var subresource: String?
    package var namespace: String?
    /// For a list or a watch, the name that its field selector asks for.
    package var name: String?
}

/// A table of rules; whatever no rule allows is forbidden.
package struct Rights: Sendable, Equatable {
    /// One rule, as in a Role.
    package struct Rule: Sendable, Equatable {
        package var verbs: Set<String>
        /// `nodes`, `nodes/status`, `events` and so on; `*` stands for all.
        package var resources: Set<String>
        /// The names it is limited to; empty stands for all.
        package var resourceNames: Set<String>

        package init(verbs: Set<String>, resources: Set<String>, resourceNames: Set<String> = []) {
            self.verbs = verbs
            self.resources = resources
            self.resourceNames = resourceNames
        }

        func allows(_ access: Access) -> Bool {
            let resource = access.subresource.map { "\(access.resource)/\($0)" } ?? access.resource
            guard verbs.contains(access.verb) || verbs.contains("*") else { return false }
            guard resources.contains(resource) || resources.contains("*") else { return false }
            guard !resourceNames.isEmpty else { return true }
            return access.name.map(resourceNames.contains) ?? false
        }
    }

    package var rules: [Rule]

    package init(_ rules: [Rule]) { self.rules = rules }

    /// A cluster administrator.
    package static let everything = Rights([Rule(verbs: ["*"], resources: ["*"])])

    /// A node agent: its own Node, and events.
    package static func agent(node: String) -> Rights {
        Rights([
            Rule(verbs: ["get", "list", "watch", "patch"], resources: ["nodes"], resourceNames: [node]),
            Rule(verbs: ["create", "patch"], resources: ["events"]),
        ])
    }

    package func allow(_ access: Access) -> Bool { rules.contains { $0.allows(access) } }
}
