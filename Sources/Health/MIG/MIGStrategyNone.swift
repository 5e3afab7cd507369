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
            "MIG mode is on, but `mig.strategy` in the configuration of the agent is `none`. With this strategy, the "
            + "device plugin offers whole GPUs to pods, and CUDA finds no device on a whole GPU in MIG mode.",
        advice: "Set `mig.strategy` to `single` in the configuration of the device plugin and of the agent."
    ) { node in
        guard node.isJudgedByItsDriver else { return nil }
        let forced = node.decision.guest.first { $0.migDevicesPerGPU > 0 }
        guard forced != nil || !node.gpusWithMIG.isEmpty else { return nil }
        let expected = "mig.strategy single or mixed when MIG mode is on"
        guard node.migStrategy == .none else {
            // The device plugin offers nothing then, and another finding says so.
            if node.migStrategy == .single, case .invalid = node.migLayout { return nil }
            return .passed("mig.strategy \(node.migStrategy.rawValue)", expected: expected)
        }
        let why =
            forced.map { "the vGPU host keeps MIG mode on for \($0.type), and the guest cannot change it" }
            ?? "MIG mode is on"
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
