package import NodeModel

/// The labels under `nvidia.com/`, with the meaning that they have in NVIDIA's GPU feature discovery.
///
/// On a node with several models of GPUs, feature discovery uses a random one. The agent uses the model with the lowest
/// PCI address. Values are shortened to the length that Kubernetes accepts.
struct NVIDIALabels {
    var facts: NodeFacts
    var policy: Policy

    private static let prefix = "nvidia.com/"
    /// The keys that need data from NVML.
    private static let nvmlKeys: [String] =
        ([
            "cuda.driver-version.major", "cuda.driver-version.minor", "cuda.driver-version.revision",
            "cuda.driver-version.full", "cuda.runtime-version.major", "cuda.runtime-version.minor",
            "cuda.runtime-version.full", "gpu.family", "gpu.compute.major", "gpu.compute.minor", "mig.capable",
            "mig.strategy",
        ] + singleStrategyKeys).map { prefix + $0 }
    /// The keys whose values depend on the MIG devices under the strategy `single`.
    private static let singleStrategyKeys =
        [
            "gpu.count", "gpu.product", "gpu.memory", "gpu.replicas", "gpu.sharing-strategy",
        ] + attributeKeys
    /// The keys for the resources of a MIG device.
    private static let attributeKeys = [
        "gpu.multiprocessors", "gpu.slices.gi", "gpu.slices.ci", "gpu.engines.copy", "gpu.engines.decoder",
        "gpu.engines.encoder", "gpu.engines.jpeg", "gpu.engines.ofa",
    ]

    func build() -> LabelSet {
        var set = LabelSet()
        guard facts.pci.whyUnknown == nil else {
            set.leave(Self.nvmlKeys + [Self.prefix + "gpu.present"])
            return set
        }
        guard !facts.gpus.isEmpty else {
            // An unidentified function can be a GPU.
            if !facts.unidentified.isEmpty { set.leave(Self.nvmlKeys + [Self.prefix + "gpu.present"]) }
            return set
        }
        set.set(Self.prefix + "gpu.present", "true")
        guard let nvml = facts.vendor.value?.nvml.value else {
            if facts.nvmlIsUndetermined { set.leave(Self.nvmlKeys) }
            return set
        }
        gpus(nvml, &set)
        driver(nvml, &set)
        return set
    }

    private func put(_ key: String, _ value: some CustomStringConvertible, _ set: inout LabelSet) {
        set.set(Self.prefix + key, value.description)
    }

    /// Returns the value of a reading; when it is not known, the labels with these keys do not change.
    private func value<Value>(_ reading: Reading<Value>, of keys: [String], _ set: inout LabelSet) -> Value? {
        if reading.whyUnknown != nil { leave(keys, &set) }
        return reading.value
    }

    private func leave(_ keys: [String], _ set: inout LabelSet) {
        set.leave(keys.map { Self.prefix + $0 })
    }

    private func driver(_ nvml: NVMLFacts, _ set: inout LabelSet) {
        let parts = nvml.driverVersion.split(separator: ".").map(String.init)
        if (2...3).contains(parts.count) {
            put("cuda.driver-version.major", parts[0], &set)
            put("cuda.driver-version.minor", parts[1], &set)
            put("cuda.driver-version.revision", parts.count == 3 ? parts[2] : "", &set)
            put("cuda.driver-version.full", nvml.driverVersion, &set)
        }
        let runtime = ["major", "minor", "full"].map { "cuda.runtime-version.\($0)" }
        guard let cuda = value(nvml.cudaVersion, of: runtime, &set) else { return }
        let numbers = cuda.split(separator: ".").map(String.init)
        guard numbers.count == 2 else { return }
        put("cuda.runtime-version.major", numbers[0], &set)
        put("cuda.runtime-version.minor", numbers[1], &set)
        put("cuda.runtime-version.full", cuda, &set)
    }

    private func gpus(_ nvml: NVMLFacts, _ set: inout LabelSet) {
        let gpus = nvml.gpus.byAddress
        guard let first = gpus.first, let model = first.name.value.map(productName) else {
            return set.leave(Self.nvmlKeys)
        }
        put("gpu.count", gpus.filter { $0.name.value.map(productName) == model }.count, &set)
        if gpus.contains(where: { $0.name.whyUnknown != nil }) { leave(["gpu.count"], &set) }
        put("gpu.product", model, &set)
        if let memory = value(first.memoryMiB, of: ["gpu.memory"], &set), memory > 0 {
            put("gpu.memory", memory, &set)
        }
        let computeKeys = ["gpu.family", "gpu.compute.major", "gpu.compute.minor"]
        if let compute = value(first.computeCapability, of: computeKeys, &set), compute.major > 0 {
            put("gpu.family", familyName(compute), &set)
            put("gpu.compute.major", compute.major, &set)
            put("gpu.compute.minor", compute.minor, &set)
        }
        let capable = gpus.contains { $0.migMode.value != nil }
        if !capable, gpus.contains(where: { $0.migMode.whyUnknown != nil }) {
            leave(["mig.capable"], &set)
        } else {
            put("mig.capable", capable, &set)
        }
        guard policy.migStrategy != .none else { return }
        put("mig.strategy", policy.migStrategy.rawValue, &set)
        if policy.migStrategy == .single { singleStrategy(gpus, &set) }
    }

    /// Sets the labels for the strategy `single` according to the rules of feature discovery.
    ///
    /// The labels and the check use the same classification of the GPUs, `MIGLayout`.
    private func singleStrategy(_ gpus: [GPUFacts], _ set: inout LabelSet) {
        let (parent, device, count): (GPUFacts, MIGDevice?, Int)
        switch MIGLayout(gpus) {
        case .wholeGPUs: return
        case .unknown: return leave(Self.singleStrategyKeys, &set)
        case .uniform(let first, let found, let number): (parent, device, count) = (first, found, number)
        case .invalid(let first, _): (parent, device, count) = (first, nil, 0)
        }
        guard let model = parent.name.value.map(productName) else { return leave(Self.singleStrategyKeys, &set) }
        guard let device else {
            put("gpu.product", product(model, "-MIG-INVALID"), &set)
            put("gpu.count", 0, &set)
            put("gpu.replicas", 0, &set)
            put("gpu.sharing-strategy", "", &set)
            put("gpu.memory", 0, &set)
            return
        }
        put("gpu.product", product(model, "-MIG-\(device.profile.split(separator: "+").joined(separator: "."))"), &set)
        put("gpu.count", count, &set)
        put("gpu.replicas", 1, &set)
        put("gpu.sharing-strategy", "none", &set)
        // The attribute is what feature discovery shows. The memory that NVML reports for the device can differ.
        put("gpu.memory", device.attributes.value?.memoryMiB ?? device.memoryMiB, &set)
        guard let attributes = value(device.attributes, of: Self.attributeKeys, &set) else { return }
        put("gpu.multiprocessors", attributes.multiprocessors, &set)
        put("gpu.slices.gi", attributes.gpuInstanceSlices, &set)
        put("gpu.slices.ci", attributes.computeInstanceSlices, &set)
        put("gpu.engines.copy", attributes.copyEngines, &set)
        put("gpu.engines.decoder", attributes.decoders, &set)
        put("gpu.engines.encoder", attributes.encoders, &set)
        put("gpu.engines.jpeg", attributes.jpegEngines, &set)
        put("gpu.engines.ofa", attributes.opticalFlowEngines, &set)
    }
}

/// Returns the model with the MIG suffix; when both are too long for a label, the end of the model is cut.
private func product(_ model: String, _ addition: String) -> String {
    "\(model.prefix(max(0, 63 - addition.count)))\(addition)"
}

/// Returns the product name of NVML in the form that feature discovery uses.
///
/// Only letters, digits, `-`, `_`, `.` and spaces remain, and each run of spaces becomes one `-`.
package func productName(_ name: String) -> String {
    let kept = name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-_. ".contains($0)) }
    return kept.split(separator: " ").joined(separator: "-")
}

/// Returns the name that feature discovery gives to the architecture with this compute capability.
package func familyName(_ compute: ComputeCapability) -> String {
    switch (compute.major, compute.minor) {
    case (1, _): "tesla"
    case (2, _): "fermi"
    case (3, _): "kepler"
    case (5, _): "maxwell"
    case (6, _): "pascal"
    case (7, ..<5): "volta"
    case (7, _): "turing"
    case (8, ..<9): "ampere"
    case (8, _): "ada-lovelace"
    case (9, _): "hopper"
    case (10, _), (12, _): "blackwell"
    case (13, _): "rubin"
    default: "undefined"
    }
}
