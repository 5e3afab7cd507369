import Documents
import NodeModel
import Support

extension DocumentReader {
    /// The conditions that Kubernetes itself writes to a Node.
    ///
    /// The scheduler and the node lifecycle controller act on them.
    private static let kubernetesConditions: Set = [
        "Ready", "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable",
    ]

    /// Reads the types of the node conditions; nil when the agent must publish none.
    mutating func conditionTypes(_ node: DocumentNode) -> ConditionTypes? {
        if node.isPlain("none") { return nil }
        var types = ConditionTypes()
        guard case .mapping = node.content else {
            report("conditions must be a mapping, or none", at: node)
            return types
        }
        guard let fields = fields(node, of: "conditions", known: ["ready", "healthy"]) else { return types }
        types.ready = fields["ready"].flatMap { conditionType($0, "ready") } ?? types.ready
        types.healthy = fields["healthy"].flatMap { conditionType($0, "healthy") } ?? types.healthy
        if types.ready == types.healthy {
            report("ready and healthy are the same condition '\(types.ready)'", at: node)
        }
        return types
    }

    private mutating func conditionType(_ node: DocumentNode, _ what: String) -> String? {
        let type = value(node, what, form: "a condition type such as GPUReady or nvidia.com/GPUReady") { text in
            Self.isConditionType(text) ? text : nil
        }
        if let type, Self.kubernetesConditions.contains(type) {
            report("\(what) '\(type)' is a condition of Kubernetes itself", at: node)
            return nil
        }
        return type
    }

    /// Whether a text is a condition type: a name, or a DNS name, a slash and a name.
    ///
    /// Source: the pattern of `type` in `metav1.Condition`. A Node accepts any type, but other programs may not.
    private static func isConditionType(_ text: String) -> Bool {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.last, parts.count == 1 || isDNSName(parts[0]), name.utf8.count <= 63 else {
            return false
        }
        func isEnd(_ character: Character?) -> Bool {
            character.map { $0.isASCII && ($0.isLetter || $0.isNumber) } ?? false
        }
        return isEnd(name.first) && isEnd(name.last) && name.allSatisfy { isEnd($0) || "-_.".contains($0) }
    }

    /// Whether a text is a DNS name in lower case, as prefixes of labels and of condition types are.
    static func isDNSName(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isGood = parts.allSatisfy { part in
            !part.isEmpty && part.first != "-" && part.last != "-"
                && part.allSatisfy { $0 == "-" || ($0.isASCII && ($0.isLowercase || $0.isNumber)) }
        }
        return isGood && text.utf8.count <= 253
    }
}
