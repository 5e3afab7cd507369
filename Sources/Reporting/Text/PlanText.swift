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
        [decision, obstacles, steps, rejected].filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }
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
        let width = plan.steps.reduce(9) { max($0, $1.id.rawValue.count) }
        return [style.bold("Steps") + (plan.obstacles.isEmpty ? "" : " after the obstacles are removed")]
            + plan.steps.enumerated().map { number, step in
                let disrupts = step.disrupts ? style.yellow("  disrupts running GPU work") : ""
                return "  \(number + 1). \(padded(step.id.rawValue, width)) \(step.title)\(disrupts)"
                    + step.effects.flatMap(details).map { "\n       " + style.faint($0) }.joined()
            }
    }

    /// Returns a command as an operator types it, and a script line by line.
    ///
    /// A script with arguments is the agent's own, and the title of its step says what it does.
    private func details(_ command: [String]) -> [String] {
        guard command.prefix(2) == ["sh", "-ec"] else { return ["$ " + command.joined(separator: " ")] }
        return command.count > 3 ? [] : command.dropFirst(2).joined().split(separator: "\n").map { "$ \($0)" }
    }

    /// Returns the details of an effect, with commands in the form in which an operator types them.
    private func details(_ effect: Effect) -> [String] {
        switch effect {
        case .run(let commands): commands.flatMap(details)
        case .writeFile(let path, _): ["write \(path)"]
        case .stopServices(let units): ["$ systemctl stop \(units.joined(separator: " "))"]
        case .unloadModules(let modules): modules.map { "$ modprobe -r \($0)" }
        case .job(let job): details(job.command)
        case .download(let file): file.urls.prefix(1) + ["\(file.digest)"]
        case .copy(let file): ["\(file.digest)"]
        case .record, .forgetEarlierSteps, .makeDirectories, .remove, .forgetJobs, .verify, .unknown: []
        }
    }

    private var obstacles: [String] {
        guard !plan.obstacles.isEmpty else { return [] }
        return [style.bold("Obstacles")]
            + plan.obstacles.flatMap { problem in
                [
                    "  \(style.red("×")) \(problem.code.rawValue): \(problem.observed)",
                    "      expected: \(problem.expected)",
                    "      → \(problem.remedy)",
                ]
            }
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
