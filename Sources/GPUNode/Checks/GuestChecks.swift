/// The statements about what a vGPU's host has settled for its guest.
struct GuestChecks {
    var facts: NodeFacts
    var decision: Decision
    var migStrategy: MIGStrategy

    /// A bare GPU whose MIG mode is on runs no CUDA program: the device plugin has to hand out its MIG devices.
    ///
    /// Nil on a node without MIG.
    var migStrategyFinding: Finding? {
        let forced = decision.guest.first { $0.migDevicesPerGPU > 0 }
        let isOn = (facts.vendor.value?.nvml.value?.gpus ?? []).contains { $0.migMode.value?.current == true }
        guard forced != nil || isOn else { return nil }
        let whose =
            forced.map { "the host keeps MIG on for \($0.type), and the guest cannot change it" } ?? "MIG is on"
        let good = migStrategy != .none
        return Finding(
            .migStrategyNone,
            good ? .pass : .failed,
            "the device plugin hands out MIG devices",
            observed: good ? "mig.strategy \(migStrategy.rawValue)" : "mig.strategy none; \(whose)",
            expected: "mig.strategy single or mixed where MIG is on",
            remedy: good
                ? ""
                : "set mig.strategy to single in the configuration of the device plugin and of the agent: "
                    + "with none a pod gets the bare GPU, and CUDA finds no device there"
        )
    }
}
