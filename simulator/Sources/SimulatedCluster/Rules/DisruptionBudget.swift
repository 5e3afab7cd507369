/// A budget of pods, with the numbers that the controller of the real cluster computes for it.
///
/// The real controller takes the number of the pods that there should be from their owner. Here it is the number of the
/// pods that there are.
struct DisruptionBudget: Sendable, Equatable {
    var name: String
    /// How many pods must be healthy.
    var desired: Int
    /// How many pods are healthy: ready, and not on their way out.
    var healthy: Int
    private var allowsUnhealthy: Bool

    /// How many healthy pods can go now.
    var allowed: Int { max(0, healthy - desired) }

    /// Computes the numbers of a budget; nil when it does not select the pod.
    init?(_ budget: JSON, for pod: JSON, among pods: [JSON]) {
        let spec = budget["spec"] ?? [:]
        guard let selector = Selector(spec["selector"]), Self.selects(selector, pod) else { return nil }
        let selected = pods.filter { Self.selects(selector, $0) }
        name = budget[path: ["metadata", "name"]]?.string ?? ""
        healthy = selected.filter { Self.isReady($0) && !Self.isTerminating($0) }.count
        if let most = Self.number(spec["maxUnavailable"], of: selected.count) {
            desired = max(0, selected.count - most)
        } else {
            desired = Self.number(spec["minAvailable"], of: selected.count) ?? 1
        }
        allowsUnhealthy = spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    }

    /// Whether the budget allows the eviction of a pod.
    ///
    /// A pod that is not ready can go while the budget has its healthy pods. Source: the server's
    /// `pkg/registry/core/pod/storage/eviction.go`.
    func allows(_ pod: JSON) -> Bool {
        if !Self.isReady(pod), allowsUnhealthy || (healthy >= desired && desired > 0) { return true }
        return allowed > 0
    }

    static func isTerminating(_ pod: JSON) -> Bool { pod[path: ["metadata", "deletionTimestamp"]] != nil }

    private static func isReady(_ pod: JSON) -> Bool {
        let conditions = pod[path: ["status", "conditions"]]?.array ?? []
        return conditions.contains { $0["type"] == "Ready" && $0["status"] == "True" }
    }

    private static func selects(_ selector: Selector, _ pod: JSON) -> Bool {
        selector.matches(labels: pod[path: ["metadata", "labels"]]?.strings ?? [:])
    }

    /// A number, or a percentage of the pods, which is rounded up.
    private static func number(_ value: JSON?, of count: Int) -> Int? {
        if let number = value?.int { return number }
        guard let text = value?.string, text.last == "%", let percent = Int(text.dropLast()) else { return nil }
        return (count * percent + 99) / 100
    }
}
