import NodeModel
import Selection

extension Check {
    static let driverUnreadable = Check(
        .driverUnreadable,
        title: "the agent can tell whether a driver is installed",
        group: .driver,
        phase: .load,
        raisedAs: .unknown,
        meaning: "The agent could not read the files that show whether a driver is on the host.",
        advice:
            "If access was denied, run the agent as root with the host's root directory mounted. Otherwise, read the "
            + "kernel log and look for errors about the file that the finding names."
    ) { node in
        // With the decision to install, the files are damaged ones of the agent's own install (`driver-missing`).
        guard node.isJudgedByItsDriver, !node.hasDriver, node.decision.action != .install,
            case .unreadable(let why) = node.facts.driver.installed
        else { return nil }
        return .unknown(
            why.joined(separator: "; "),
            expected: node.decision.driver.map { "\($0)" } ?? "a driver",
            remedy: .reading(node.facts.driver.sourceFailure)
        )
    }
}
