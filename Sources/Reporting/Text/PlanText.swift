import Catalog
import NodeModel
package import Planning
import Selection
import Support

/// The plan as text for users: the steps, and the reasons for them.
package struct PlanText {
    package var plan: Plan
    package var style: Style

    package init(plan: Plan, style: Style) {
        self.plan = plan
        self.style = style
    }

    package var text: String {
        [decision, obstacles, steps, leftAlone, rejected].filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }
            .joined(separator: "\n\n") + "\n"
    }

    private var decision: [String] {
        let decision = plan.decision
        let headline =
            plan.problems.isEmpty
            ? "\(style.bold(decision.action.rawValue)): \(decision.summary)"
            : "\(style.bold("postponed")) until the obstacles are removed: \(decision.summary)"
        return [headline] + EvidenceText.lines(decision.evidence).map { "  \($0)" }
    }

    private var steps: [String] {
        guard !plan.steps.isEmpty else {
            let why = plan.obstacles.isEmpty ? "because there is nothing to do" : "because there are obstacles"
            return [style.bold("Steps") + ": none, \(why)"]
        }
        return [style.bold("Steps") + (plan.obstacles.isEmpty ? "" : " after the obstacles are removed")]
            + StepText(style: style).lines(plan.steps)
    }

    private var obstacles: [String] {
        guard !plan.obstacles.isEmpty else { return [] }
        return [style.bold("Obstacles")]
            + StepText(style: style).lines(plan.obstacles)
    }

    private var leftAlone: [String] {
        guard let sentences = plan.leftAlone else { return [] }
        return [style.bold("Left alone")] + sentences.map { "  \($0)" }
    }

    private var rejected: [String] {
        guard plan.decision.action != .adopt, !plan.decision.rejected.isEmpty else { return [] }
        var reasons: [(text: String, drivers: [String])] = []
        for driver in plan.decision.rejected {
            if let index = reasons.firstIndex(where: { $0.text == driver.reason }) {
                reasons[index].drivers.append(driver.driver)
            } else {
                reasons.append((driver.reason, [driver.driver]))
            }
        }
        return [style.bold("Rejected drivers")]
            + reasons.flatMap { reason in
                // Of many drivers with the same reason, only the number is shown. `-o yaml` lists all of them.
                reason.drivers.count > 3
                    ? ["  \(reason.drivers.count) drivers: \(reason.text)"]
                    : reason.drivers.map { "  \($0): \(reason.text)" }
            }
    }
}
