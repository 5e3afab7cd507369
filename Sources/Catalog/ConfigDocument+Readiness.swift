import Documents
import NodeModel
import Support

extension DocumentReader {
    /// The most start-up taints; a node pool has one or two.
    private static let startupTaintLimit = 16
    /// The domains of the taints with which Kubernetes itself says that a node must not be used.
    private static let kubernetesDomains = ["node.kubernetes.io", "node.cloudprovider.kubernetes.io"]

    /// Reads when a node counts as ready, and which start-up taints go then.
    mutating func readiness(_ node: DocumentNode) -> ReadinessPolicy {
        var readiness = ReadinessPolicy()
        guard let fields = fields(node, of: "readiness", known: ["waitFor", "startupTaints"]) else { return readiness }
        readiness.waitFor = fields["waitFor"].flatMap { choice($0, "waitFor") } ?? .none
        if let node = fields["startupTaints"] { readiness.startupTaints = startupTaints(node) }
        return readiness
    }

    private mutating func startupTaints(_ node: DocumentNode) -> [StartupTaint] {
        let items = items(node, of: "startupTaints")
        if items.count > Self.startupTaintLimit {
            report("startupTaints has more than \(Self.startupTaintLimit) entries", at: node)
            return []
        }
        var seen: Set<StartupTaint> = []
        return items.compactMap { item in
            guard let taint = startupTaint(item) else { return nil }
            guard seen.insert(taint).inserted else {
                report("startupTaints has '\(taint)' twice", at: item)
                return nil
            }
            return taint
        }
    }

    private mutating func startupTaint(_ node: DocumentNode) -> StartupTaint? {
        guard let fields = fields(node, of: "a start-up taint", known: ["key", "effect"]),
            let key = required(fields, "key")
        else { return nil }
        let effect: StartupTaint.Effect? = fields["effect"].map { choice($0, "effect") } ?? .noSchedule
        let form = "the key of a taint with its domain, such as example.com/not-ready"
        guard let effect, let key = value(key, "key", form: form, { Self.isTaintKey($0) ? $0 : nil }) else {
            return nil
        }
        let domain = key.prefix { $0 != "/" }
        if Self.kubernetesDomains.contains(String(domain)) {
            report("'\(key)' is a taint of Kubernetes itself, which removes it when the node is usable", at: node)
            return nil
        }
        return StartupTaint(key: key, effect: effect)
    }

    /// Whether a text is a qualified name of Kubernetes that has a domain.
    ///
    /// A taint without a domain has no owner, and the agent must not remove the taint of another program.
    private static func isTaintKey(_ text: String) -> Bool { text.contains("/") && isLabelKey(text) }
}
