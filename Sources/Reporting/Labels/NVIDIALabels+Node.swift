import NodeModel

/// The labels of feature discovery about the node as a whole.
extension NVIDIALabels {
    static let vgpuKeys = ["vgpu.present", "vgpu.host-driver-version", "vgpu.host-driver-branch"]

    var driverKeys: [String] {
        ["major", "minor", "revision", "full"].map { "cuda.driver-version.\($0)" }
            + (policy.deprecatedLabels ? ["major", "minor", "rev"].map { "cuda.driver.\($0)" } : [])
    }

    var runtimeKeys: [String] {
        ["major", "minor", "full"].map { "cuda.runtime-version.\($0)" }
            + (policy.deprecatedLabels ? ["major", "minor"].map { "cuda.runtime.\($0)" } : [])
    }

    func driver(_ nvml: NVMLFacts, _ set: inout LabelSet) {
        let parts = nvml.driverVersion.split(separator: ".").map(String.init)
        if (2...3).contains(parts.count) {
            // A version such as 595.91 has no revision.
            let values = [parts[0], parts[1], parts.count == 3 ? parts[2] : ""]
            for (key, value) in zip(driverKeys, values + [nvml.driverVersion] + values) { put(key, value, &set) }
        }
        guard let cuda = value(nvml.cudaVersion, of: runtimeKeys, &set) else { return }
        let numbers = cuda.split(separator: ".").map(String.init)
        guard numbers.count == 2 else { return }
        for (key, value) in zip(runtimeKeys, numbers + [cuda] + numbers) { put(key, value, &set) }
    }

    /// Sets the labels about vGPUs, which come from the PCI bus and need no driver.
    ///
    /// The last vGPU names the host, as in feature discovery.
    func vgpu(_ set: inout LabelSet) {
        let hosts = facts.gpus.sorted { $0.address < $1.address }.map(\.vgpuCapability)
        let known = hosts.compactMap(\.value)
        guard hosts.allSatisfy({ $0.whyUnknown == nil }) else {
            leave(Self.vgpuKeys, &set)
            if !known.isEmpty { put("vgpu.present", true, &set) }
            return
        }
        put("vgpu.present", !known.isEmpty, &set)
        if let version = known.compactMap(\.hostDriverVersion).last { put("vgpu.host-driver-version", version, &set) }
        if let branch = known.compactMap(\.hostDriverBranch).last { put("vgpu.host-driver-branch", branch, &set) }
    }

    /// Sets the labels about the machine, its GPUs as a group, and MPS.
    func node(_ nvml: NVMLFacts, _ set: inout LabelSet) {
        if facts.host.dmi.whyUnknown != nil {
            leave(["gpu.machine"], &set)
        } else {
            put("gpu.machine", facts.host.dmi.value?.productName.map(productName) ?? "unknown", &set)
        }
        if facts.unidentified.isEmpty { put("gpu.mode", mode, &set) } else { leave(["gpu.mode"], &set) }
        clique(nvml.gpus, &set)
        if facts.devicePlugin?.sharing?.strategy == .mps, !hasMIG,
            nvml.gpus.contains(where: { $0.migMode.whyUnknown != nil })
        {
            leave(["mps.capable"], &set)
        } else {
            put("mps.capable", sharing?.strategy == .mps, &set)
        }
    }

    /// The class of the GPUs on the PCI bus, when all have the same one.
    ///
    /// The documentation of feature discovery says `display` where its code says `graphics`.
    private var mode: String {
        let classes = Set(facts.gpus.map(\.classCode))
        guard classes.count == 1, let gpu = facts.gpus.first else { return "unknown" }
        return gpu.isVGAController ? "graphics" : "compute"
    }

    /// Sets the label for the NVLink fabric; none when the GPUs are in different cliques, or in none.
    private func clique(_ gpus: [GPUFacts], _ set: inout LabelSet) {
        guard gpus.allSatisfy({ $0.fabric.whyUnknown == nil }) else { return leave(["gpu.clique"], &set) }
        let attached = gpus.compactMap(\.fabric.value).filter {
            $0.state == "completed" && $0.status == "NVML_SUCCESS" && $0.cluster != nil
        }
        guard Set(attached.map(\.cluster)).count == 1, Set(attached.map(\.clique)).count == 1,
            let first = attached.first, let cluster = first.cluster
        else { return }
        put("gpu.clique", "\(cluster).\(first.clique)", &set)
    }

    private var hasMIG: Bool {
        (facts.vendor.value?.nvml.value?.gpus ?? []).contains { $0.migMode.value?.current == true }
    }

    /// How the device plugin shares the devices; nil when it is not known.
    ///
    /// MPS does not work with MIG. Feature discovery ends with an error then, and the plugin offers nothing.
    var sharing: DeviceSharing? {
        guard let sharing = facts.devicePlugin?.sharing else { return nil }
        return sharing.strategy == .mps && hasMIG ? .off : sharing
    }
}
