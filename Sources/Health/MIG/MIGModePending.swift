import NodeModel

extension Check {
    static let migModePending = Check(
        .migModePending,
        title: "the configured MIG mode is active",
        group: .mig,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable],
        meaning:
            "The MIG mode of a GPU was changed, but the change takes effect only after a reset of the GPU. The GPU "
            + "works in its current mode, so this is a notice and does not change the verdict.",
        advice: "Reset the GPU while no process uses it (`nvidia-smi --gpu-reset -i INDEX`), or reboot the node."
    ) { node in
        // A guest can neither change the MIG mode of a vGPU nor reset it.
        let gpus = node.nvml?.gpus.filter { $0.virtualization.value != .vgpu } ?? []
        let pending = gpus.compactMap { gpu -> String? in
            guard let mode = gpu.migMode.value, mode.current != mode.pending else { return nil }
            let (present, next) = mode.current ? ("on", "off") : ("off", "on")
            return "GPU \(gpu.index): MIG mode is \(present), and turns \(next) after a reset"
        }
        guard !pending.isEmpty else { return nil }
        return .notice(
            pending.joined(separator: "; "),
            expected: "no GPU that needs a reset",
            remedy: "Reset the GPU while no process uses it (nvidia-smi --gpu-reset -i INDEX), or reboot the node."
        )
    }
}
