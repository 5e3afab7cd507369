extension NodeFacts {
    /// The addresses of the GPUs that fell off the bus, and of those about which a call of NVML fails.
    ///
    /// NVML does not tell the address of a GPU without a handle. Then it is one of those that NVML does not name.
    package var failingGPUs: [PCIAddress] {
        let answers = vendor.value?.nvml.value?.gpus ?? []
        let faulty = answers.filter { !$0.faults.isEmpty }
        let good = Set(answers.filter(\.faults.isEmpty).compactMap(\.pciAddress.value))
        let named = Set(faulty.compactMap(\.pciAddress.value))
        let isUnnamed = named.count < faulty.count
        return gpus.filter { gpu in
            gpu.isLost || named.contains(gpu.address) || (isUnnamed && !good.contains(gpu.address))
        }.map(\.address)
    }

    /// The end of a finding about these GPUs: what the kernel log says about them; empty when it says nothing.
    package func kernelLogRemark(about gpus: [PCIAddress]) -> String {
        let lines = (kernelLog.value ?? []).filter { line in gpus.contains { line.contains($0.withoutFunction) } }
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
