import Documents
import Support

/// Reads the selector of a pool.
extension DocumentReader {
    /// Reads a selector, with the keys of a selector in Kubernetes.
    mutating func nodeSelector(_ node: DocumentNode, prefix: String) -> LabelSelector? {
        let keys = ["matchLabels", "matchExpressions"]
        guard let fields = fields(node, of: "nodeSelector", known: keys) else { return nil }
        var requirements: [LabelSelector.Requirement] = []
        if let labels = fields["matchLabels"] { requirements += matchLabels(labels, prefix) }
        let items = items(fields["matchExpressions"], of: "matchExpressions")
        if items.count > Self.poolLimit {
            report("matchExpressions has more than \(Self.poolLimit) entries", at: node)
        }
        requirements += items.prefix(Self.poolLimit).compactMap { expression($0, prefix) }
        if keys.allSatisfy({ fields[$0]?.isEmptyCollection ?? true }) {
            report("nodeSelector needs a label: an empty one would match every node", at: node)
            return nil
        }
        return LabelSelector(requirements)
    }

    private mutating func matchLabels(_ node: DocumentNode, _ prefix: String) -> [LabelSelector.Requirement] {
        guard case .mapping(let entries) = node.content else {
            report("matchLabels must be a mapping of labels to values", at: node)
            return []
        }
        if entries.count > Self.poolLimit { report("matchLabels has more than \(Self.poolLimit) entries", at: node) }
        var seen: Set<String> = []
        return entries.prefix(Self.poolLimit).compactMap { entry in
            let key = labelKey(entry.key, prefix)
            let label = labelValue(entry.value)
            guard let key, let label else { return nil }
            if !seen.insert(key).inserted { report("duplicate label '\(key)' in matchLabels", at: entry.key) }
            return LabelSelector.Requirement(key, .oneOf, [label])
        }
    }

    private mutating func expression(_ node: DocumentNode, _ prefix: String) -> LabelSelector.Requirement? {
        let known = ["key", "operator", "values"]
        guard let fields = fields(node, of: "an entry of matchExpressions", known: known) else { return nil }
        let keyNode = required(fields, "key")
        let key = keyNode.flatMap { labelKey($0, prefix) }
        let operatorNode = required(fields, "operator")
        let comparison: LabelSelector.Operator? = operatorNode.flatMap { choice($0, "operator") }
        let items = items(fields["values"], of: "values")
        if items.count > Self.poolLimit { report("values has more than \(Self.poolLimit) entries", at: node) }
        let values = items.prefix(Self.poolLimit).compactMap { labelValue($0) }
        guard let key, let comparison else { return nil }
        let needsValues = [.oneOf, .notOneOf].contains(comparison)
        if needsValues != !items.isEmpty {
            let text = needsValues ? "needs 'values'" : "takes no 'values'"
            report("the operator \(comparison.rawValue) \(text)", at: fields["values"] ?? node)
            return nil
        }
        return LabelSelector.Requirement(key, comparison, values)
    }

    /// Reads the key of a label that somebody else writes.
    ///
    /// With a label of the agent, a pool would decide what the agent writes, and the label would decide the pool.
    private mutating func labelKey(_ node: DocumentNode, _ prefix: String) -> String? {
        let key = value(node, "a label", form: "the key of a label such as example.com/pool") {
            Self.isLabelKey($0) ? $0 : nil
        }
        guard let key else { return nil }
        let domain = key.split(separator: "/").dropLast().first.map(String.init)
        guard let domain, domain == prefix || domain == "nvidia.com" || domain.hasSuffix(".nvidia.com") else {
            return key
        }
        report(
            "the label '\(key)' cannot select a pool, because the agent itself or a program of NVIDIA writes it; use a "
                + "label of the node pool",
            at: node
        )
        return nil
    }

    /// Reads the value of a label, which can be empty.
    private mutating func labelValue(_ node: DocumentNode) -> String? {
        guard let text = node.text, Self.isLabelValue(text) else {
            report("the value of a label has up to 63 letters, digits and characters of -_.", at: node)
            return nil
        }
        return text
    }

    /// Whether a text is the key of a label: a name, or a DNS name, a slash and a name.
    static func isLabelKey(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let name = parts.last, (1...2).contains(parts.count), parts.count == 1 || isDNSName(parts[0]) else {
            return false
        }
        return !name.isEmpty && isLabelValue(name)
    }

    /// Whether a text is the value of a label, or the name of one.
    private static func isLabelValue(_ text: some StringProtocol) -> Bool {
        guard let first = text.first, let last = text.last else { return true }
        func isEnd(_ character: Character) -> Bool {
            character.isASCII && (character.isLetter || character.isNumber)
        }
        return text.utf8.count <= 63 && isEnd(first) && isEnd(last)
            && text.allSatisfy { isEnd($0) || "-_.".contains($0) }
    }
}

extension DocumentNode {
    /// Whether the node is a list or a mapping without entries.
    fileprivate var isEmptyCollection: Bool {
        switch content {
        case .sequence(let items): items.isEmpty
        case .mapping(let entries): entries.isEmpty
        case .scalar: false
        }
    }
}
