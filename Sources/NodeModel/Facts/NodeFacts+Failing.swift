extension NodeFacts {
    /// The addresses of the GPUs that fell off the bus, of those that NVML does not list, and of those about which a
    /// call of NVML fails.
    ///
    /// NVML does not tell the address of a GPU without a handle, so that one counts as not listed.
    package var failingGPUs: [PCIAddress] {
        let answers = vendor.value?.nvml.value?.gpus ?? []
        let named = Set(answers.filter { !$0.faults.isEmpty }.compactMap(\.pciAddress.value))
        let unlisted = Set(unlistedGPUs.map(\.address))
        return gpus.filter { gpu in
            gpu.isLost || named.contains(gpu.address) || unlisted.contains(gpu.address)
        }.map(\.address)
    }

    /// The GPUs that NVIDIA's driver should serve and that NVML does not list; empty when NVML did not answer.
    ///
    /// The driver does not serve a GPU that another driver holds, or the virtual functions of this machine. One that
    /// fell off the bus is not in the list.
    package var unlistedGPUs: [PCIFunction] {
        guard let nvml = vendor.value?.nvml.value else { return [] }
        let listed = Set(nvml.gpus.compactMap(\.pciAddress.value))
        return gpus.filter { gpu in
            gpu.holder == .nobodyElse && !gpu.isLost && gpu.physicalFunction.value == nil
                && !listed.contains(gpu.address)
        }
    }

    /// What the kernel log says about these GPUs, the oldest first.
    package func kernelLogLines(about gpus: [PCIAddress]) -> [String] {
        (kernelLog.value ?? []).filter { line in gpus.contains { line.contains($0.withoutFunction) } }
    }

    /// The end of a finding about these GPUs: the last lines of the kernel log about them; empty when there are none.
    package func kernelLogRemark(about gpus: [PCIAddress]) -> String {
        let lines = kernelLogLines(about: gpus).suffix(6)
        return lines.isEmpty ? "" : " (kernel log: \(lines.joined(separator: "; ")))"
    }
}

extension NodeFacts {
    /// The UUID of each GPU that NVML lists, by its address.
    package var gpuUUIDs: [PCIAddress: String] {
        let gpus = (vendor.value?.nvml.value?.gpus ?? []).compactMap { gpu in
            gpu.pciAddress.value.flatMap { address in gpu.uuid.value.map { (address, $0) } }
        }
        return Dictionary(gpus) { first, _ in first }
    }
}

extension NodeFacts {
    /// The GPUs for which NVML reports a recovery action.
    package var recoveringGPUs: [PCIAddress] {
        (vendor.value?.nvml.value?.gpus ?? []).compactMap { gpu in
            guard case .text(let name) = gpu.traits[.recoveryAction].value, let action = RecoveryAction(nvml: name),
                action != RecoveryAction.none
            else { return nil }
            return gpu.pciAddress.value
        }
    }
}

extension PCIAddress {
    /// The address as the kernel module writes it in `PCI:0001:00:00`, without the function.
    package var withoutFunction: String { String(description.dropLast(2)) }
}
