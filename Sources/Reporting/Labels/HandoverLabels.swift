import NodeModel
import Selection

/// The label by which the agent tells the GPU Operator that this node has a driver of its own.
struct HandoverLabels {
    var use: HandoverUse
    var facts: NodeFacts
    var verdict: Verdict

    func build() -> LabelSet {
        var set = LabelSet()
        switch UpgradeSkip(use, facts, verdict) {
        case .needed: set.set(OperatorLabel.upgradeSkip, "true")
        case .unknown: set.leave([OperatorLabel.upgradeSkip])
        case .notNeeded: break
        }
        return set
    }
}
