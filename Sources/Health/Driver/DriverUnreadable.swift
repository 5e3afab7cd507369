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
        advice: "Run the agent as root with the host's root directory mounted."
    ) { node in
        guard node.isJudgedByItsDriver, !node.hasDriver, case .unreadable(let why) = node.facts.driver.installed else {
            return nil
        }
        return .unknown(
            why.joined(separator: "; "),
            expected: node.decision.driver.map { "\($0)" } ?? "a driver",
            remedy: .mountHostRoot
        )
    }
}
