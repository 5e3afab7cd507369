import NodeModel
import Selection

/// The statements about what a vGPU's host has settled for its guest.
struct GuestChecks {
    var facts: NodeFacts
    var decision: Decision
    var migStrategy: MIGStrategy

    var findings: [Finding] { [migFinding, migStrategyFinding].compactMap(\.self) }

    /// Each GPU of a type that is a GPU instance shows one MIG device of its profile.
    ///
    /// Nil on a node without such a type, and where NVML does not tell.
    private var migFinding: Finding? {
        guard decision.guest.count == 1, let guest = decision.guest.first, guest.migDevicesPerGPU == 1,
            let gpus = facts.vendor.value?.nvml.value?.gpus.filter({ $0.virtualization.value == .vgpu }), !gpus.isEmpty
        else { return nil }
        let others = gpus.compactMap { gpu -> String? in
            if gpu.migMode.value?.current == false { return "GPU \(gpu.index): MIG is off" }
            guard let devices = gpu.migDevices.value else { return nil }
            guard devices.count == 1, guest.migProfile == nil || devices[0].profile == guest.migProfile else {
                let list = devices.isEmpty ? "no MIG device" : devices.map(\.profile).joined(separator: ", ")
                return "GPU \(gpu.index): \(list)"
            }
            return nil
        }
        let profile = guest.migProfile.map { " \($0)" } ?? ""
        return Finding(
            .guestMIGMismatch,
            others.isEmpty ? .pass : .warning,
            observed: others.isEmpty ? "one MIG device\(profile) on each GPU" : others.joined(separator: "; "),
            expected: "one MIG device\(profile) on each GPU (\(guest.type))",
            remedy: others.isEmpty ? "" : "MIG is the host's here: ask the cloud's support, or take another node"
        )
    }

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
            observed: good ? "mig.strategy \(migStrategy.rawValue)" : "mig.strategy none; \(whose)",
            expected: "mig.strategy single or mixed where MIG is on",
            remedy: good
                ? ""
                : "set mig.strategy to single in the configuration of the device plugin and of the agent: "
                    + "with none a pod gets the bare GPU, and CUDA finds no device there"
        )
    }
}
