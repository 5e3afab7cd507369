package import NodeModel
package import Planning

/// What the agent wants its Node to show.
package struct Publication: Codable, Sendable, Equatable {
    /// The labels that follow from the facts.
    package var labels: [String: String]
    /// Keys whose value could not be told this time: whatever the Node shows for them stays.
    package var undetermined: Set<String>
    package var taint: TaintWish
    package var verdict: Verdict
    /// The verdict in one sentence, for the event that tells of it.
    package var message: String

    package init(
        labels: [String: String],
        undetermined: Set<String>,
        taint: TaintWish,
        verdict: Verdict,
        message: String
    ) {
        self.labels = labels
        self.undetermined = undetermined
        self.taint = taint
        self.verdict = verdict
        self.message = message
    }

    /// The part of it that the agent may write in a mode: only `manage` holds the taint.
    package func limited(to mode: AgentMode) -> Publication {
        var publication = self
        if mode != .manage { publication.taint = .keep }
        return publication
    }

    /// The labels to apply, given those that the agent owns on the Node now.
    ///
    /// With server-side apply a key that is left out is removed, so an undetermined key is sent again with the value it
    /// has.
    package func labelsToApply(owned: [String: String]) -> [String: String] {
        labels.merging(owned.filter { undetermined.contains($0.key) }) { new, _ in new }
    }

    /// Builds the publication of a report.
    package static func of(_ facts: NodeFacts, _ plan: Plan, _ report: NodeReport, _ policy: Policy) -> Publication {
        var labels = OwnLabels(facts: facts, plan: plan, report: report, prefix: policy.labelPrefix)
            .build()
        let nvidia = NVIDIALabels(facts: facts, policy: policy).build()
        labels.merge(nvidia)
        return Publication(
            labels: labels.labels,
            undetermined: labels.undetermined,
            taint: TaintWish(report.verdict),
            verdict: report.verdict,
            message: report.sentence
        )
    }
}

/// What is to become of the taint that keeps GPU pods away.
package enum TaintWish: String, Codable, Sendable {
    case present, absent
    /// Leave it as it is: nothing is taken away or put on without knowing.
    case keep

    package init(_ verdict: Verdict) {
        switch verdict {
        // Who runs the driver of a node that is left alone keeps pods away by their own means.
        case .ready, .noGPU, .leftAlone: self = .absent
        case .installing, .notReady: self = .present
        case .waiting, .degraded, .unknown: self = .keep
        }
    }
}

/// Labels under construction.
///
/// The last word on a key counts.
struct LabelSet {
    var labels: [String: String] = [:]
    var undetermined: Set<String> = []

    /// Sets a label to a value made fit for a label.
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

/// The nearest text that Kubernetes takes as a label value: at most 63 letters, digits, `-`, `_` and `.`, with a letter
/// or a digit at both ends.
package func labelValue(_ text: String) -> String {
    let allowed = text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "-" }
    func isEnd(_ character: Character) -> Bool { character.isLetter || character.isNumber }
    let head = allowed.drop { !isEnd($0) }.prefix(63)
    return String(head.reversed().drop { !isEnd($0) }.reversed())
}
