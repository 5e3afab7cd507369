import Catalog
import NodeModel

extension CheckedNode {
    /// The addresses of the GPUs that must not be used, each for a reason of its own: an error of the driver, what the
    /// driver asks for, damaged memory, an error of NVML, or no answer on the PCI bus.
    var takenGPUs: [PCIAddress] {
        let byErrors = faults.faults.filter { $0.xidClass >= .gpuReset && $0.event.kind != .sxid }.map(\.address)
        let byReadings = (nvml?.gpus ?? []).filter { gpu in
            !gpu.faults.isEmpty || gpu.neededRecovery != nil || !gpu.damages.isEmpty
        }
        return byErrors + byReadings.compactMap(\.pciAddress.value) + facts.gpus.filter(\.isLost).map(\.address)
    }

    /// Whether the node has a GPU that can be used, as far as the agent knows; true when it knows no GPU at all.
    var hasUsableGPU: Bool {
        let taken = takenGPUs
        return facts.gpus.isEmpty || facts.gpus.contains { gpu in !taken.contains(where: gpu.address.sameSlot) }
    }
}

/// What the driver asks for before a GPU can be used again.
enum NeededRecovery: String {
    case reset = "needs a reset"
    case busReset = "needs a reset of its bus"
    case reboot = "needs a reboot of the node"
}

extension GPUFacts {
    /// What the recovery action of NVML asks for; nil when it asks for nothing, or for something else.
    ///
    /// With `drain-p2p`, the GPU works, but not its connections to other GPUs: `nvlink-down` reports it.
    var neededRecovery: NeededRecovery? {
        guard case .text(let action) = traits[.recoveryAction].value else { return nil }
        return switch action {
        case "gpu-reset", "drain-and-reset": .reset
        case "bus-reset": .busReset
        case "node-reboot", "system-reboot": .reboot
        default: nil
        }
    }

    /// What is broken in the memory for good.
    var damages: [String] {
        (isOn(.remappedRowsFailed) == true ? ["a row could not be remapped"] : [])
            + (isOn(.sramThresholdExceeded) == true ? ["the SRAM had more errors than allowed"] : [])
    }
}
