import NodeModel
import Selection

extension Check {
    static let driverRolledBack = Check(
        .driverRolledBack,
        title: "no new driver failed on this node",
        group: .driver,
        phase: .select,
        raisedAs: .notice,
        meaning:
            "The agent replaced its own driver with another one. The new driver failed, in the installer or in the "
            + "checks after it, so the agent went back to the driver before it. The finding names the failure. The agent "
            + "does not try the same package for the same kernel again. Nothing else is wrong: the finding changes "
            + "neither the verdict nor the taint.",
        advice: "Correct the cause on the node, and run `gpu-agent install`, which tries the driver again. Or select "
            + "another driver in the configuration. See [upgrade.md](upgrade.md#when-the-new-driver-fails)."
    ) { node in
        guard let failed = node.decision.failed else { return nil }
        let verb = node.decision.action == .adopt ? "went" : "goes"
        return .notice(
            "\(failed.statement) The agent \(verb) back to \(failed.formerName).",
            expected: "driver \(failed.record.version)",
            remedy: failed.remedy
        )
    }
}
