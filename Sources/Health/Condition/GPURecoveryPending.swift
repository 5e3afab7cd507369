import Catalog
package import NodeModel

extension ReasonCode {
    package static let gpuRecoveryPending = ReasonCode("gpu-recovery-pending")
}

extension Check {
    static let gpuRecoveryPending = Check(
        .gpuRecoveryPending,
        title: "the driver asks for no reset and no reboot",
        group: .errors,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable],
        settlesWithin: .seconds(60),
        meaning:
            "The driver says that a GPU must be reset, or the node rebooted, before the GPU can be used again (the "
            + "recovery action of NVML, from branch 565 on). The agent saw no Xid that asks for as much. If other "
            + "GPUs of the node need nothing, the finding is a warning.",
        advice:
            "For a reset, stop the programs that use the GPU and run `nvidia-smi --gpu-reset -i ADDRESS`, or reboot "
            + "the node. For a reboot, drain the node first."
    ) { node in
        let signs = GPUSigns(of: node) { gpu in
            guard gpu.traits[.recoveryAction].value != nil else { return nil }
            guard let needed = gpu.neededRecovery, !isExplained(needed, of: gpu, on: node) else { return [] }
            return [needed.rawValue]
        }
        let needsReboot = signs.problems.contains { $0.text == NeededRecovery.reboot.rawValue }
        return signs.severe(
            on: node,
            expected: "the recovery action none",
            remedy: needsReboot ? .rebootForRecovery : .resetForRecovery
        )
    }

    /// Whether an Xid with its own finding asks for as much: it says more about the GPU.
    private static func isExplained(_ needed: NeededRecovery, of gpu: GPUFacts, on node: CheckedNode) -> Bool {
        let enough: XidClass = needed == .reboot ? .reboot : .gpuReset
        guard let address = gpu.pciAddress.value else { return false }
        return node.faults.faults.contains { $0.xidClass >= enough && address.sameSlot($0.address) }
    }
}

extension Remedy {
    fileprivate static let rebootForRecovery: Remedy =
        "Drain the node and reboot it. If the finding returns, examine the GPU or replace it."
    fileprivate static let resetForRecovery: Remedy = """
        Stop the programs that use the GPU, and run 'nvidia-smi --gpu-reset -i ADDRESS'. Or drain the node and reboot \
        it.
        """
}
