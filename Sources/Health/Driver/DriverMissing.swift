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
        meaning: "The host has no NVIDIA driver.",
        advice: "Run `gpu-agent install`. The daemon installs the driver automatically, unless it runs with "
            + "`--no-install`."
    ) { node in
        guard node.isJudgedByItsDriver, !node.hasDriver, case .none = node.facts.driver.installed else { return nil }
        return .failed(
            "The host has no NVIDIA driver.",
            expected: node.decision.driver.map { "\($0)" } ?? "a driver",
            remedy: .install
        )
    }
}
