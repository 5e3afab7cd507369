package import NodeModel
package import Planning
import Selection

/// The labels, the taint and the conditions that the agent wants on its Node, and the verdict.
package struct Publication: Codable, Sendable, Equatable {
    /// The labels that follow from the facts.
    package var labels: [String: String]
    /// The keys whose values are not known this time; these labels of the Node do not change.
    package var undetermined: Set<String>
    package var taint: TaintWish
    /// The conditions; the Node has none of the agent's conditions when it is empty.
    package var conditions: [Condition]
    package var verdict: Verdict
    /// The verdict as text for the event.
    package var message: String

    package init(
        labels: [String: String],
        undetermined: Set<String>,
        taint: TaintWish,
        conditions: [Condition] = [],
        verdict: Verdict,
        message: String
    ) {
        self.labels = labels
        self.undetermined = undetermined
        self.taint = taint
        self.conditions = conditions
        self.verdict = verdict
        self.message = message
    }

    /// The part of the publication that the agent can write in a mode; only `manage` includes the taint.
    package func limited(to mode: AgentMode) -> Publication {
        var publication = self
        if mode != .manage { publication.taint = .keep }
        return publication
    }

    /// The labels to apply, given the labels of the Node that the agent owns now.
    ///
    /// Server-side apply removes each owned label that is not in the request. So the agent sends an undetermined label
    /// with its current value.
    package func labelsToApply(owned: [String: String]) -> [String: String] {
        labels.merging(owned.filter { undetermined.contains($0.key) }) { new, _ in new }
    }

    /// Creates the publication for a report.
    ///
    /// The labels are about the GPUs that the agent manages.
    package static func of(_ facts: NodeFacts, _ plan: Plan, _ report: NodeReport, _ policy: Policy) -> Publication {
        let facts = plan.decision.managed(facts)
        var labels = OwnLabels(facts: facts, plan: plan, report: report, prefix: policy.labelPrefix)
            .build()
        let nvidia = NVIDIALabels(facts: facts, policy: policy).build()
        labels.merge(nvidia)
        return Publication(
            labels: labels.labels,
            undetermined: labels.undetermined,
            taint: TaintWish(report.verdict, report.readiness),
            conditions: policy.conditions.map { NodeConditions(report, facts: facts, types: $0).all } ?? [],
            verdict: report.verdict,
            message: report.sentence
        )
    }
}

/// The wanted state of the taint that keeps GPU pods away from the Node.
package enum TaintWish: String, Codable, Sendable {
    case present, absent
    /// The taint does not change, because the state of the node is not known.
    case keep

    package init(_ verdict: Verdict, _ readiness: Readiness = .unknown) {
        switch verdict {
        // On a node that is left alone, the owner of the driver is responsible for keeping pods away.
        case .ready, .noGPU, .leftAlone: self = .absent
        case .installing, .notReady: self = .present
        case .degraded: self = readiness == .usable ? .absent : .keep
        case .waiting, .unknown: self = .keep
        }
    }
}

/// A set of labels under construction.
///
/// The last change of a key counts.
struct LabelSet {
    var labels: [String: String] = [:]
    var undetermined: Set<String> = []

    /// Sets a label to a value, which is first converted to a valid label value.
    mutating func set(_ key: String, _ value: String) {
        labels[key] = labelValue(value)
        undetermined.remove(key)
    }

    mutating func set(_ key: String, _ value: Int) {
        set(key, String(value))
    }

    mutating func leave(_ keys: some Sequence<String>) {
        for key in keys {
            labels[key] = nil
            undetermined.insert(key)
        }
    }

    mutating func merge(_ other: LabelSet) {
        labels.merge(other.labels) { _, new in new }
        undetermined.formUnion(other.undetermined)
    }
}

/// Returns the text as a valid label value of Kubernetes.
///
/// A label value has at most 63 letters, digits, `-`, `_` and `.`, and starts and ends with a letter or a digit.
package func labelValue(_ text: String) -> String {
    let allowed = text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "-" }
    func isEnd(_ character: Character) -> Bool { character.isLetter || character.isNumber }
    let head = allowed.drop { !isEnd($0) }.prefix(63)
    return String(head.reversed().drop { !isEnd($0) }.reversed())
}
