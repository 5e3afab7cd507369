import Documents
import NodeModel

extension DocumentReader {
    /// The most pools, and the most requirements and values of a selector.
    static let poolLimit = 64

    /// The settings that are the same on all nodes, with the reason.
    private static let common: [(path: [String], why: String)] = [
        (["apiVersion"], "it belongs to the file"),
        (["kind"], "it belongs to the file"),
        ([ConfigPool.key], "a pool has no pools"),
        (["cluster"], "the cluster says which pool a node belongs to"),
        (["labels", "prefix"], "other programs look for the same names on all nodes"),
        (["conditions"], "other programs look for the same names on all nodes"),
    ]

    /// Reads the pools of a configuration, each with the settings that its nodes get.
    ///
    /// A value that several pools take from the top level is reported once. Problems that only the settings of a pool
    /// cause, also together with those of the top level, name the pool.
    mutating func pools(of document: DocumentNode, _ config: Config) -> [ConfigPool] {
        guard let node = document.value(ConfigPool.key) else { return [] }
        let items = items(node, of: ConfigPool.key)
        if items.count > Self.poolLimit {
            report("\(ConfigPool.key) has more than \(Self.poolLimit) entries", at: node)
            return []
        }
        if config.cluster == .none, !items.isEmpty {
            report("pools need a cluster, and 'cluster' is none", at: node)
        }
        let known = problems
        var lines: [String: Int] = [:]
        return items.compactMap { item in
            guard let pool = pool(item, over: document, config, known) else { return nil }
            if let first = lines.updateValue(pool.place.line, forKey: pool.name) {
                report(
                    DocumentProblem("duplicate pool '\(pool.name)'; the first one is on line \(first)", at: pool.place)
                )
            }
            return pool
        }
    }

    /// Reads one pool; `known` are the problems of the top level.
    private mutating func pool(
        _ node: DocumentNode,
        over document: DocumentNode,
        _ config: Config,
        _ known: [DocumentProblem]
    ) -> ConfigPool? {
        let keys = ["name", "nodeSelector", "settings"]
        guard let fields = fields(node, of: "a pool", known: keys) else { return nil }
        let nameNode = required(fields, "name")
        let name = nameNode.flatMap {
            value($0, "name", form: "a name of up to 63 lower-case letters, digits and '-' such as grid") {
                Self.isPoolName($0) ? $0 : nil
            }
        }
        let selectorNode = required(fields, "nodeSelector")
        let selector = selectorNode.flatMap { nodeSelector($0, prefix: config.policy.labelPrefix) }
        let settings = required(fields, "settings")
        let merged = settings.flatMap { self.settings($0, of: name, over: document, known) }
        guard let name, let nameNode, let selector, let merged else { return nil }
        return ConfigPool(name: name, selector: selector, config: merged, place: nameNode.place)
    }

    private mutating func settings(
        _ node: DocumentNode,
        of name: String?,
        over document: DocumentNode,
        _ known: [DocumentProblem]
    ) -> Config? {
        guard case .mapping = node.content else {
            report("settings must be a mapping", at: node)
            return nil
        }
        var own = node
        for (path, why) in Self.common {
            guard let removed = own.remove(path) else { continue }
            report("'\(path.joined(separator: "."))' cannot be set for a pool, because \(why)", at: removed)
        }
        var reader = DocumentReader()
        let config = reader.config(ConfigMerge.document(document, with: own))
        let pool = name.map { "in pool '\($0)': " } ?? ""
        for problem in reader.problems where !known.contains(problem) {
            report(DocumentProblem(pool + problem.message, at: problem.place))
        }
        return config
    }

    /// Whether a text can name a pool: it becomes a word of messages and of labels.
    private static func isPoolName(_ text: String) -> Bool {
        isDNSName(text) && !text.contains(".") && text.utf8.count <= 63
    }
}

extension DocumentNode {
    /// Takes the value at this path out of a mapping, and returns its key; nil when there is none.
    fileprivate mutating func remove(_ path: [String]) -> DocumentNode? {
        guard let key = path.first, case .mapping(var entries) = content,
            let index = entries.firstIndex(where: { $0.key.text == key })
        else { return nil }
        var removed: DocumentNode?
        if path.count == 1 {
            removed = entries.remove(at: index).key
        } else {
            removed = entries[index].value.remove(Array(path.dropFirst()))
        }
        content = .mapping(entries)
        return removed
    }
}
