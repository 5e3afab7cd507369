import NodeModel

extension Check {
    static let migModePending = Check(
        .migModePending,
        title: "the configured MIG mode is in force",
        group: .mig,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable],
        meaning:
            "Somebody turned the MIG mode of a GPU on or off, and the change waits for a reset of the GPU. The GPU "
            + "works in its present mode, so this is a notice and does not change the verdict.",
        advice: "Reset the GPU while nothing uses it (`nvidia-smi --gpu-reset -i INDEX`), or reboot the node."
    ) { node in
        // The guest can neither change nor reset a vGPU.
        let gpus = node.nvml?.gpus.filter { $0.virtualization.value != .vgpu } ?? []
        let pending = gpus.compactMap { gpu -> String? in
            guard let mode = gpu.migMode.value, mode.current != mode.pending else { return nil }
            let (present, next) = mode.current ? ("on", "off") : ("off", "on")
            return "GPU \(gpu.index): MIG mode is \(present), and \(next) after a reset"
        }
        guard !pending.isEmpty else { return nil }
        return .notice(
            pending.joined(separator: "; "),
            expected: "no GPU that waits for a reset",
            remedy: "Reset the GPU while nothing uses it (nvidia-smi --gpu-reset -i INDEX), or reboot the node."
        )
    }
}
