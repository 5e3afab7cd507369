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
        dependsOn: [.nvmlUnavailable, .gpuUnreadable, .xidHardware, .xidReboot, .xidGPUReset],
        settlesWithin: .seconds(60),
        meaning:
            "The driver says that a GPU must be reset, or the node rebooted, before the GPU can be used again (the "
            + "recovery action of NVML, from branch 565 on). The agent did not see the Xid that caused it. If other "
            + "GPUs of the node need nothing, the finding is a warning.",
        advice:
            "For a reset, stop the programs that use the GPU and run `nvidia-smi --gpu-reset -i ADDRESS`, or reboot "
            + "the node. For a reboot, drain the node first."
    ) { node in
        // An Xid with its own finding says more about a GPU.
        let explained = node.faults.faults.filter { $0.xidClass >= .gpuReset }.map(\.address)
        let signs = GPUSigns(of: node) { gpu in
            guard case .text(let action) = gpu.traits[.recoveryAction].value else { return nil }
            if let address = gpu.pciAddress.value, explained.contains(where: address.sameSlot) { return [] }
            return names[action].map { [$0] } ?? []
        }
        let needsReboot = signs.problems.contains { $0.text.contains("reboot") }
        return signs.severe(
            expected: "the recovery action none",
            remedy: needsReboot ? .rebootForRecovery : .resetForRecovery
        )
    }

    /// The recovery actions with which the GPU cannot be used, by the names of the facts.
    ///
    /// With `drain-p2p`, the GPU works, but not its connections to other GPUs: `nvlink-down` reports it.
    private static let names = [
        "gpu-reset": "needs a reset", "drain-and-reset": "needs a reset", "bus-reset": "needs a reset of its bus",
        "node-reboot": "needs a reboot of the node", "system-reboot": "needs a reboot of the node",
    ]
}

extension Remedy {
    fileprivate static let rebootForRecovery: Remedy =
        "Drain the node and reboot it. If the finding returns, examine the GPU or replace it."
    fileprivate static let resetForRecovery: Remedy = """
        Stop the programs that use the GPU, and run 'nvidia-smi --gpu-reset -i ADDRESS'. Or drain the node and reboot \
        it.
        """
}
