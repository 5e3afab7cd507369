import Health
import NodeModel
import Planning
import Selection
import Support

/// Looks at a node until it is good, or until it is clear that it will not be.
package struct Verification: Sendable {
    /// Device nodes of nvidia-uvm were seen to appear up to 15 seconds after the module.
    package static let patience = Duration.seconds(15)

    let look: @Sendable () async -> NodeView
    /// How long the node may take to become good.
    var patience: Duration = Self.patience

    func problem(within deadline: Duration) async -> Finding? {
        let end = ContinuousClock.now + min(patience, deadline)
        while true {
            let view = await look()
            let report = Checks(facts: view.facts, plan: view.plan.withoutObstacles).report()
            guard report.verdict != .ready, report.verdict != .degraded else { return nil }
            guard ContinuousClock.now < end, !Task.isCancelled else { return report.problem }
            try? await Task.sleep(for: .seconds(1))
        }
    }
}

extension Plan {
    /// The same plan judged by the node alone: what would keep a next install from running says nothing of this one.
    fileprivate var withoutObstacles: Plan {
        var plan = self
        plan.problems = []
        plan.decision.problems = []
        return plan
    }
}
