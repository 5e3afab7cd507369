package import NodeModel

extension ReasonCode {
    package static let migModePending = ReasonCode("mig-mode-pending")
}

extension Check {
    static let migModePending = Check(
        .migModePending,
        title: "no change of the MIG mode is pending",
        group: .mig,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable],
        // A MIG manager changes the mode first and resets the GPU some seconds later.
        settlesWithin: .seconds(60),
        meaning:
            "The MIG mode of a GPU was changed, but the change takes effect only after a reset of the GPU. The "
            + "GPU works in its current mode, so the finding is a warning. If MIG mode stays on and no GPU has a MIG "
            + "device, CUDA finds no device, and the finding is a failure.",
        advice: "Reboot the node. On bare metal, you can reset the GPU instead while no process uses it "
            + "(`nvidia-smi --gpu-reset -i INDEX`). Most virtual machines cannot reset a GPU."
    ) { node in
        let gpus = node.nvml?.gpus ?? []
        let pending = gpus.filter(\.hasPendingMIGChange)
        guard !pending.isEmpty else { return nil }
        let changes = [true, false].compactMap { current -> String? in
            let list = pending.filter { $0.migMode.value?.current == current }.map(\.label)
            guard !list.isEmpty else { return nil }
            let (present, next) = current ? ("on", "off") : ("off", "on")
            return "MIG mode is \(present) and turns \(next) after a reset: \(list.joined(separator: ", "))"
        }
        let observed = "A MIG change is pending. \(changes.joined(separator: "; "))"
        let expected = "no GPU that needs a reset"
        let remedy = Remedy.resetGPU(on: node)
        return pending.count == gpus.count && pending.allSatisfy(\.isWithoutMIGDevice)
            ? .failed(observed, expected: expected, remedy: remedy)
            : .warning(observed, expected: expected, remedy: remedy)
    }
}

extension GPUFacts {
    /// Whether the MIG mode changes with the next reset.
    ///
    /// A guest can neither change the MIG mode of a vGPU nor reset it.
    var hasPendingMIGChange: Bool {
        guard virtualization.value != .vgpu, let mode = migMode.value else { return false }
        return mode.current != mode.pending
    }

    /// Whether MIG mode is on and the GPU has no MIG device, so that CUDA finds nothing on it.
    var isWithoutMIGDevice: Bool {
        migMode.value?.current == true && (migDevices.value?.isEmpty ?? migDevices.isAbsent)
    }
}

extension Remedy {
    /// How to reset a GPU: most virtual machines cannot.
    static func resetGPU(on node: CheckedNode) -> Remedy {
        node.isVirtualMachine
            ? "Reboot the node. Most virtual machines cannot reset a GPU."
            : "Reset the GPU while no process uses it (nvidia-smi --gpu-reset -i INDEX), or reboot the node."
    }
}
