import NodeModel
import Planning
import Support

/// The agent's own labels, which have its prefix.
struct OwnLabels {
    var facts: NodeFacts
    var plan: Plan
    var report: NodeReport
    var prefix: String

    func build() -> LabelSet {
        var set = LabelSet()
        set.set(key("verdict"), report.verdict.rawValue)
        if let reason = report.reason { set.set(key("reason"), reason.rawValue) }
        pciID(&set)
        driver(&set)
        migDevices(&set)
        vgpu(&set)
        traits(&set)
        return set
    }

    func key(_ name: String) -> String { "\(prefix)/\(name)" }

    /// Sets the label for the PCI IDs of the GPUs, such as `10de-2bb5`; underscores separate different IDs.
    private func pciID(_ set: inout LabelSet) {
        guard facts.pci.whyUnknown == nil else { return set.leave([key("pci-id")]) }
        let ids = Set(facts.gpus.map { "\(hex($0.id.vendor, digits: 4))-\(hex($0.id.device, digits: 4))" })
        guard !ids.isEmpty else { return facts.unidentified.isEmpty ? () : set.leave([key("pci-id")]) }
        set.set(key("pci-id"), ids.sorted().joined(separator: "_"))
    }

    /// Sets the labels for the loaded driver; none when no driver is loaded.
    private func driver(_ set: inout LabelSet) {
        let keys = ["driver-kind", "driver-version", "kernel-module-type", "driver-branch"].map(key)
        switch facts.driver.loadedVersion {
        case .absent, .absentBecause: return
        case .unreadable, .skipped: return set.leave(keys)
        case .present(let version):
            set.set(key("driver-version"), version)
            if let branch = DriverVersion(version)?.branch { set.set(key("driver-branch"), branch) }
            if let kind = facts.installedKind(ofVersion: version)?.kind {
                set.set(key("driver-kind"), kind.rawValue)
            } else {
                set.leave([key("driver-kind")])
            }
            if let kernelModuleType = facts.driver.runningModule.value?.kernelModuleType {
                set.set(key("kernel-module-type"), kernelModuleType.rawValue)
            } else {
                set.leave([key("kernel-module-type")])
            }
        }
    }

    /// Sets the labels for the traits of the GPUs: the value that all GPUs share, or `mixed`; none when no GPU has the
    /// trait.
    private func traits(_ set: inout LabelSet) {
        for trait in GPUTrait.allCases {
            guard let name = (trait.declaration.label?.name).map(key) else { continue }
            guard let nvml = facts.vendor.value?.nvml.value else {
                if !facts.gpus.isEmpty, facts.nvmlIsUndetermined { set.leave([name]) }
                continue
            }
            let readings = nvml.gpus.map { $0.traits[trait] }
            guard readings.allSatisfy({ $0.whyUnknown == nil }) else {
                set.leave([name])
                continue
            }
            let values = Set(readings.compactMap(\.value))
            if let value = values.first { set.set(name, values.count > 1 ? "mixed" : value.label) }
        }
    }

    private func migDevices(_ set: inout LabelSet) {
        let name = key("mig-devices")
        guard facts.pci.whyUnknown == nil else { return set.leave([name]) }
        guard !facts.gpus.isEmpty else { return facts.unidentified.isEmpty ? () : set.leave([name]) }
        guard let nvml = facts.vendor.value?.nvml.value else {
            if facts.nvmlIsUndetermined { set.leave([name]) }
            return
        }
        guard !nvml.gpus.isEmpty, nvml.gpus.allSatisfy({ $0.migDevices.whyUnknown == nil }) else {
            return set.leave([name])
        }
        set.set(name, nvml.gpus.reduce(0) { $0 + ($1.migDevices.value?.count ?? 0) })
    }
}

extension NodeFacts {
    /// Whether NVML can exist on the host although it did not respond.
    ///
    /// It is false when no driver is loaded, because NVML then has no data.
    var nvmlIsUndetermined: Bool { !driver.loadedVersion.isAbsent }
}
