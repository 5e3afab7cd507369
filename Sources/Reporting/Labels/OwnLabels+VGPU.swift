import NodeModel

/// The labels about the vGPUs of the node and their licenses.
extension OwnLabels {
    /// The side of a vGPU on which the node is.
    private enum VGPUMode: String, Codable {
        /// The GPU is a vGPU, which another machine gives to this one.
        case guest
        /// The GPU makes vGPUs for other machines.
        case host
    }

    /// Sets the labels about vGPUs: the value that all vGPUs share, or `mixed`; none when the node has no vGPU.
    ///
    /// A GPU that is no vGPU does not count. NVML knows the mode of each GPU. Before a driver is loaded, only the PCI
    /// bus tells a vGPU from another GPU.
    func vgpu(_ set: inout LabelSet) {
        let names = ["vgpu-mode", "vgpu-type", "vgpu-host-driver-version", "license"]
        guard facts.pci.whyUnknown == nil else { return set.leave(names.map(key)) }
        guard !facts.gpus.isEmpty else { return facts.unidentified.isEmpty ? () : set.leave(names.map(key)) }
        let modes = facts.gpus.map(mode)
        shared("vgpu-mode", modes.map { $0.map(\.rawValue) }, &set)
        shared("vgpu-host-driver-version", facts.gpus.map(hostDriver), &set)
        shared("vgpu-type", ofGuests(modes) { $0.name.map(productName) }, &set)
        shared("license", ofGuests(modes) { $0.license.map { $0.licensed ? "licensed" : "unlicensed" } }, &set)
    }

    /// Sets a label to the value that all readings with one share, or to `mixed`.
    private func shared(_ name: String, _ readings: [Reading<String>], _ set: inout LabelSet) {
        guard readings.allSatisfy({ $0.whyUnknown == nil }) else { return set.leave([key(name)]) }
        let values = Set(readings.compactMap(\.value))
        if let value = values.first { set.set(key(name), values.count > 1 ? "mixed" : value) }
    }

    /// The mode of a GPU; absent for one that has nothing to do with vGPUs.
    private func mode(of gpu: PCIFunction) -> Reading<VGPUMode> {
        if gpu.vgpuCapability.value != nil { return .present(.guest) }
        guard let nvml = facts.vendor.value?.nvml.value else {
            guard !facts.nvmlIsUndetermined else { return .skipped("NVML has not said it") }
            return gpu.vgpuCapability.map { _ in .guest }
        }
        guard let answer = nvml.gpu(at: gpu.address) else { return .skipped("NVML does not list the GPU") }
        return answer.virtualization.flatMap { virtualization in
            switch virtualization {
            case .vgpu: .present(.guest)
            case .hostVgpu, .hostVsga: .present(.host)
            case .none, .passthrough: .absent
            }
        }
    }

    private func hostDriver(of gpu: PCIFunction) -> Reading<String> {
        gpu.vgpuCapability.flatMap { $0.hostDriverVersion.map { .present($0) } ?? .absent }
    }

    /// What NVML says about each vGPU of this machine; absent while no driver is loaded.
    private func ofGuests(
        _ modes: [Reading<VGPUMode>],
        _ read: (GPUFacts) -> Reading<String>
    ) -> [Reading<String>] {
        zip(facts.gpus, modes).map { gpu, mode in
            mode.flatMap { mode in
                guard mode == .guest else { return .absent }
                guard let nvml = facts.vendor.value?.nvml.value else {
                    return facts.nvmlIsUndetermined ? .skipped("NVML has not said it") : .absent
                }
                return nvml.gpu(at: gpu.address).map(read) ?? .skipped("NVML does not list the GPU")
            }
        }
    }
}

extension NVMLFacts {
    /// The GPU at an address; nil when NVML does not list it there.
    fileprivate func gpu(at address: PCIAddress) -> GPUFacts? { gpus.first { $0.pciAddress.value == address } }
}
