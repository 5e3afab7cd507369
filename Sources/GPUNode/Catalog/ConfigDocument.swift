/// The agent's configuration file: what the operator asks for, and catalogs of their own.
package struct Config: Sendable, Equatable {
    package var policy: Policy
    /// Catalog files to lay over the agent's own, in order.
    package var catalogs: [String]

    package init(policy: Policy = Policy(), catalogs: [String] = []) {
        self.policy = policy
        self.catalogs = catalogs
    }

    /// Reads a configuration file from its document, or gives every problem in it.
    package static func read(_ document: DocumentNode) -> Result<Config, DocumentProblems> {
        var reader = DocumentReader()
        let config = reader.config(document)
        return reader.problems.isEmpty ? .success(config) : .failure(DocumentProblems(reader.problems))
    }
}

extension DocumentReader {
    fileprivate mutating func config(_ node: DocumentNode) -> Config {
        var config = Config()
        let known = ["apiVersion", "kind", "driver", "labels", "mig", "catalogs"]
        guard let fields = fields(node, of: "the configuration", known: known) else { return config }
        header(fields, kind: "AgentConfig")
        if let node = fields["driver"] { driverPolicy(node, &config.policy) }
        if let node = fields["labels"], let fields = self.fields(node, of: "labels", known: ["prefix"]),
            let prefix = fields["prefix"].flatMap({ labelPrefix($0) })
        {
            config.policy.labelPrefix = prefix
        }
        if let node = fields["mig"], let fields = self.fields(node, of: "mig", known: ["strategy"]),
            let strategy: MIGStrategy = fields["strategy"].flatMap({ choice($0, "strategy") })
        {
            config.policy.migStrategy = strategy
        }
        config.catalogs = items(fields["catalogs"], of: "catalogs").compactMap { text($0, "a catalog file") }
        return config
    }

    private mutating func driverPolicy(_ node: DocumentNode, _ policy: inout Policy) {
        guard let fields = fields(node, of: "driver", known: ["version", "branch", "flavour"]) else { return }
        policy.version = fields["version"].flatMap {
            value($0, "version", form: "a driver version such as 595.91.07", DriverVersion.init)
        }
        policy.branch = fields["branch"].flatMap { integer($0, "branch") }
        policy.flavour = fields["flavour"].flatMap { choice($0, "flavour") }
        if let version = policy.version, let branch = policy.branch, version.branch != branch {
            report("version \(version) is not of branch \(branch): give one of them", at: node)
        }
    }

    private mutating func labelPrefix(_ node: DocumentNode) -> String? {
        value(node, "prefix", form: "a DNS name such as gpu.example.com, without a slash") { text in
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            let good = parts.allSatisfy { part in
                !part.isEmpty && part.first != "-" && part.last != "-"
                    && part.allSatisfy { $0 == "-" || ($0.isASCII && ($0.isLowercase || $0.isNumber)) }
            }
            return good && text.utf8.count <= 253 ? text : nil
        }
    }
}
