package import NodeModel
import Selection

extension ReasonCode {
    package static let migStrategyNone = ReasonCode("mig-strategy-none-under-mig")
}

extension Check {
    static let migStrategyNone = Check(
        .migStrategyNone,
        title: "the MIG strategy fits the MIG mode",
        group: .mig,
        phase: .use,
        meaning:
            "MIG mode is on, but the MIG strategy is `none`. With this strategy, the device plugin offers whole GPUs to "
            + "pods, and CUDA finds no device on a whole GPU in MIG mode. When the agent sees the device plugin, its "
            + "strategy counts, and otherwise `mig.strategy` in the configuration of the agent. When only the plugin has "
            + "`none`, the finding is a warning.",
        advice: "Set `mig.strategy` to `single` in the configuration of the device plugin and of the agent."
    ) { node in
        guard node.isJudgedByItsDriver else { return nil }
        let forced = node.decision.guest.first { $0.migDevicesPerGPU > 0 }
        guard forced != nil || !node.gpusWithMIG.isEmpty else { return nil }
        let expected = "mig.strategy single or mixed when MIG mode is on"
        let strategy = node.pluginStrategy ?? node.migStrategy
        guard strategy == .none else {
            // The device plugin offers nothing then, and another finding says so.
            if strategy == .single, case .invalid = node.migLayout { return nil }
            return .passed("mig.strategy \(strategy.rawValue)", expected: expected)
        }
        let why =
            forced.map { "the vGPU host keeps MIG mode on for \($0.type), and the guest cannot change it" }
            ?? "MIG mode is on"
        if node.migStrategy != .none, let plugin = node.facts.devicePlugin, let process = plugin.processes.value?.first
        {
            return .warning(
                "The device plugin runs with the MIG strategy none, and \(why).",
                expected: expected,
                remedy: Remedy(
                    "Set the MIG strategy of the device plugin to \(node.migStrategy.rawValue): it comes from "
                        + "\(process.setting(plugin)). With none, a pod gets the whole GPU, and CUDA finds no device on it."
                )
            )
        }
        return .failed(
            "mig.strategy is none, and \(why).",
            expected: expected,
            remedy: """
                Set mig.strategy to single in the configuration of the device plugin and of the agent. \
                With the value none, a pod gets the whole GPU, and CUDA finds no device on it.
                """
        )
    }
}
