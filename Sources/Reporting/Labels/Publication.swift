package import NodeModel
package import Planning
import Selection

/// The labels, the annotations, the taint and the conditions that the agent wants on its Node, and the verdict.
package struct Publication: Codable, Sendable, Equatable {
    /// The labels that follow from the facts.
    package var labels: [String: String]
    /// The keys whose values are not known this time; these labels of the Node do not change.
    ///
    /// A key that ends with `*` stands for all labels of the agent with this beginning.
    package var undetermined: Set<String>
    /// The resources of which it is not known whether pods share them, with the product that a shared one has.
    ///
    /// Their labels are those of resources that nobody shares. When the Node says that one is shared, it stays so.
    package var unknownSharing: [String: String]
    /// Who owns the labels of GPU feature discovery.
    package var nvidiaLabels: NVIDIALabelUse
    /// What the annotations with these keys should say; the agent removes its other ones.
    package var annotations: [String: AnnotationWish]
    package var taint: TaintWish
    /// The start-up taints to remove; empty while the node must keep them.
    package var startupTaints: [StartupTaint]
    /// The conditions; the Node has none of the agent's conditions when it is empty.
    package var conditions: [Condition]
    package var verdict: Verdict
    /// The verdict as text for the event.
    package var message: String

    package init(
        labels: [String: String],
        undetermined: Set<String>,
        unknownSharing: [String: String] = [:],
        nvidiaLabels: NVIDIALabelUse = .auto,
        annotations: [String: AnnotationWish] = [:],
        taint: TaintWish,
        conditions: [Condition] = [],
        verdict: Verdict,
        message: String,
        startupTaints: [StartupTaint] = []
    ) {
        self.labels = labels
        self.undetermined = undetermined
        self.unknownSharing = unknownSharing
        self.nvidiaLabels = nvidiaLabels
        self.annotations = annotations
        self.taint = taint
        self.conditions = conditions
        self.verdict = verdict
        self.message = message
        self.startupTaints = startupTaints
    }

    /// The part of the publication that the agent can write in a mode; only `manage` includes the taints.
    package func limited(to mode: AgentMode) -> Publication {
        var publication = self
        if mode != .manage { publication.taint = .keep }
        if mode != .manage { publication.startupTaints = [] }
        return publication
    }

    /// The labels to apply, given the labels of the Node that the agent owns now.
    ///
    /// Server-side apply removes each owned label that is not in the request. So the agent sends an undetermined label
    /// with its current value.
    package func labelsToApply(owned: [String: String]) -> [String: String] {
        let beginnings = undetermined.filter { $0.hasSuffix("*") }.map { $0.dropLast() }
        let kept = owned.filter { key, _ in
            undetermined.contains(key) || beginnings.contains(where: key.hasPrefix)
        }
        var wanted = labels.merging(kept) { new, _ in new }
        for (resource, product) in unknownSharing { keepSharing(of: resource, as: product, owned, in: &wanted) }
        return wanted
    }

    /// The annotations to apply, given the annotations of the Node that the agent owns now.
    ///
    /// Server-side apply removes an owned annotation that is not in the request, as it does with a label.
    package func annotationsToApply(owned: [String: String]) -> [String: String] {
        var wanted: [String: String] = [:]
        for (key, wish) in annotations { wanted[key] = wish.value(owned: owned[key]) }
        return wanted
    }

    /// Keeps what the Node says about the sharing of a resource, as long as it can still be right.
    ///
    /// A device plugin that starts again must not make its shared GPUs look like others for a moment.
    private func keepSharing(
        of resource: String,
        as product: String,
        _ owned: [String: String],
        in wanted: inout [String: String]
    ) {
        let keys = (product: "\(resource).product", strategy: "\(resource).sharing-strategy")
        guard let shown = owned[keys.product], shown == product || shown == labels[keys.product],
            let replicas = owned["\(resource).replicas"], Int(replicas) ?? 0 > 1, let strategy = owned[keys.strategy]
        else { return }
        wanted[keys.product] = shown
        wanted["\(resource).replicas"] = replicas
        wanted[keys.strategy] = strategy
        let capable = NVIDIALabels.prefix + "mps.capable"
        if strategy == DeviceSharing.Strategy.mps.rawValue, let known = owned[capable] { wanted[capable] = known }
    }

    /// Whether another field manager that owns this label has it for itself, also with the value of the agent.
    ///
    /// It is so with `labels.nvidia: auto` for the names of feature discovery. The state of a MIG layout has rules of
    /// its own.
    package func isSharedName(_ key: String) -> Bool {
        nvidiaLabels == .auto && key.hasPrefix(NVIDIALabels.prefix) && key != MIGRequest.stateKey
    }

    /// Creates the publication for a report.
    ///
    /// The labels are about the GPUs that the agent manages.
    package static func of(_ facts: NodeFacts, _ plan: Plan, _ report: NodeReport, _ policy: Policy) -> Publication {
        let facts = plan.decision.managed(facts)
        var labels = OwnLabels(facts: facts, plan: plan, report: report, prefix: policy.labelPrefix)
            .build()
        if policy.nvidiaLabels != .never { labels.merge(NVIDIALabels(facts: facts, policy: policy).build()) }
        labels.merge(HandoverLabels(use: policy.handover, facts: facts, verdict: report.verdict).build())
        let taint = TaintWish(report.verdict, report.readiness)
        return Publication(
            labels: labels.labels,
            undetermined: labels.undetermined,
            unknownSharing: labels.unknownSharing,
            nvidiaLabels: policy.nvidiaLabels,
            annotations: OwnAnnotations(facts: facts, report: report, prefix: policy.labelPrefix).build(),
            taint: taint,
            conditions: policy.conditions.map { NodeConditions(report, facts: facts, types: $0).all } ?? [],
            verdict: report.verdict,
            message: report.sentence,
            // One rule for all taints that say that the GPUs are not ready.
            startupTaints: taint == .absent ? policy.readiness.startupTaints : []
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
    var unknownSharing: [String: String] = [:]

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
        unknownSharing.merge(other.unknownSharing) { _, new in new }
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
