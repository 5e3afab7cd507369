package import NodeModel
import Selection

extension ReasonCode {
    package static let driverMissing = ReasonCode("driver-missing")
}

extension Check {
    static let driverMissing = Check(
        .driverMissing,
        title: "a driver is installed",
        group: .driver,
        phase: .load,
        dependsOn: [.driverUninstalled],
        meaning: "The host has no NVIDIA driver.",
        advice: "Run `gpu-agent install`. The daemon installs the driver automatically, unless it runs with "
            + "`--no-install`."
    ) { node in
        guard node.isJudgedByItsDriver, !node.hasDriver else { return nil }
        let observed: String
        switch node.facts.driver.installed {
        case .none: observed = "The host has no NVIDIA driver."
        case .unreadable where node.decision.action == .install:
            observed = "The host has no working driver. The agent's own install did not end, and left damaged files."
        default: return nil
        }
        return .failed(
            observed,
            expected: node.decision.driver.map { "\($0)" } ?? "a driver",
            remedy: .install
        )
    }
}
