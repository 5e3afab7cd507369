package import Documents
package import NodeModel

/// Nodes with settings of their own, which a selector finds by the labels of their Node.
package struct ConfigPool: Sendable, Equatable {
    /// The key of the list of pools in the configuration.
    static let key = "pools"

    /// The name, which is unique in the file.
    package var name: String
    package var selector: LabelSelector
    /// The settings of the top level with those of the pool.
    ///
    /// It has no pools.
    package var config: Config
    /// The place of the name.
    package var place: DocumentPlace

    package init(name: String, selector: LabelSelector, config: Config, place: DocumentPlace) {
        self.name = name
        self.selector = selector
        self.config = config
        self.place = place
    }
}

/// Which settings of a configuration apply to a node.
package enum PoolChoice: Sendable, Equatable {
    /// Those of the top level, because there are no pools, or no pool matches.
    case topLevel
    /// Those of this pool.
    case pool(ConfigPool)
    /// Nobody can tell, because several pools match.
    case conflict([ConfigPool])
    /// Nobody can tell, because the labels of the Node are not known, for this reason.
    case unknown(String)

    /// The name of the pool whose settings apply; nil when none does.
    package var name: String? {
        guard case .pool(let pool) = self else { return nil }
        return pool.name
    }

    /// Why it is not known which settings apply, with what to do; nil when it is known.
    package var problem: Finding? {
        switch self {
        case .topLevel, .pool: nil
        case .conflict(let pools):
            Finding(
                .poolConflict,
                observed: "The pools \(pools.map { "'\($0.name)' (\($0.place))" }.joined(separator: " and ")) of the "
                    + "configuration match this node.",
                expected: "at most one pool whose nodeSelector matches the node",
                remedy: "Change the nodeSelector of a pool or a label of the Node, so that one pool matches. "
                    + "'gpu-agent config explain' prints what each pool compares."
            )
        case .unknown(let why):
            Finding(
                .poolUnknown,
                observed: "The configuration has pools, and the agent does not know the labels of this Node: \(why).",
                expected: "the labels of the Node, which say which pool it belongs to",
                remedy: "Wait until the daemon on this node has read its Node: its log says what prevents it. "
                    + "'gpu-agent plan' and 'gpu-agent config explain' also take the labels from --labels."
            )
        }
    }
}

extension Config {
    /// The keys of the labels that decide which pool a node belongs to; empty without pools.
    package var selectorKeys: Set<String> { Set(pools.flatMap { $0.selector.requirements.map(\.key) }) }

    /// Finds the settings for a Node with these labels.
    ///
    /// Without pools, the labels do not matter. When several pools match, none of them applies: their order in the
    /// file would otherwise decide about the driver of a node that nobody thought of.
    package func choice(_ labels: Reading<[String: String]>) -> PoolChoice {
        guard !pools.isEmpty else { return .topLevel }
        guard let labels = labels.value else { return .unknown(labels.whyUnknown ?? "the Node has no labels") }
        let matching = pools.filter { $0.selector.matches(labels) }
        guard matching.count < 2 else { return .conflict(matching) }
        return matching.first.map { .pool($0) } ?? .topLevel
    }

    /// The settings for a choice; those of the top level while nobody can tell.
    package func settings(for choice: PoolChoice) -> Config {
        guard case .pool(let pool) = choice else { return self }
        return pool.config
    }

    /// The settings that a node can have: those of the top level, and those of each pool.
    package var variants: [Config] { [self] + pools.map(\.config) }
}
