import NodeModel

/// The labels under `nvidia.com/`, with the meaning that they have in NVIDIA's GPU feature discovery.
///
/// Feature discovery takes the values of a random model where several ones are in a node. The agent takes the model with
/// the lowest PCI address. Values are shortened to the length that Kubernetes accepts.
///
/// Source: `internal/lm` in NVIDIA/k8s-device-plugin (0.20.0).
struct NVIDIALabels {
    var facts: NodeFacts
    var policy: Policy

    static let prefix = "nvidia.com/"
    /// The most MIG profiles that get labels; a GPU has fewer.
    private static let profileLimit = 32
    /// The keys for the resources of a MIG device.
    private static let attributeKeys = [
        "multiprocessors", "slices.gi", "slices.ci", "engines.copy", "engines.decoder", "engines.encoder",
        "engines.jpeg", "engines.ofa",
    ]
    /// The keys whose values depend on the MIG devices under the strategy `single`.
    private static let singleStrategyKeys =
        (["count", "product", "memory", "replicas", "sharing-strategy"] + attributeKeys).map { "gpu.\($0)" }
    /// All labels of the MIG profiles under the strategy `mixed`.
    private static let profileKeys = "mig-*"

    /// The keys that need data from NVML.
    private var nvmlKeys: [String] {
        let gpus = ["gpu.family", "gpu.compute.major", "gpu.compute.minor", "mig.capable", "mig.strategy"]
        let node = ["gpu.machine", "gpu.mode", "gpu.clique", "mps.capable"]
        return gpus + node + Self.singleStrategyKeys + driverKeys + runtimeKeys
            + (policy.migStrategy == .mixed ? [Self.profileKeys] : [])
    }

    func build() -> LabelSet {
        var set = LabelSet()
        let all = ["gpu.present"] + Self.vgpuKeys + nvmlKeys
        guard facts.pci.whyUnknown == nil else {
            leave(all, &set)
            return set
        }
        guard !facts.gpus.isEmpty else {
            // An unidentified function can be a GPU.
            if !facts.unidentified.isEmpty { leave(all, &set) }
            return set
        }
        put("gpu.present", true, &set)
        vgpu(&set)
        guard let nvml = facts.vendor.value?.nvml.value else {
            if facts.nvmlIsUndetermined { leave(nvmlKeys, &set) }
            return set
        }
        gpus(nvml.gpus.byAddress, &set)
        driver(nvml, &set)
        node(nvml, &set)
        return set
    }

    func put(_ key: String, _ value: some CustomStringConvertible, _ set: inout LabelSet) {
        set.set(Self.prefix + key, value.description)
    }

    /// Returns the value of a reading; when it is not known, the labels with these keys do not change.
    func value<Value>(_ reading: Reading<Value>, of keys: [String], _ set: inout LabelSet) -> Value? {
        if reading.whyUnknown != nil { leave(keys, &set) }
        return reading.value
    }

    func leave(_ keys: [String], _ set: inout LabelSet) {
        set.leave(keys.map { Self.prefix + $0 })
    }

    private func gpus(_ gpus: [GPUFacts], _ set: inout LabelSet) {
        guard let shown = Self.shown(gpus), let model = shown.name.value.map(productName) else {
            return leave(nvmlKeys, &set)
        }
        wholeGPUs(gpus.filter { $0.name.value.map(productName) == model }, model, &set)
        if gpus.contains(where: { $0.name.whyUnknown != nil }) { leave(["gpu.count"], &set) }
        if let memory = value(shown.memoryMiB, of: ["gpu.memory"], &set), memory > 0 {
            put("gpu.memory", memory, &set)
        }
        let computeKeys = ["gpu.family", "gpu.compute.major", "gpu.compute.minor"]
        if let compute = value(shown.computeCapability, of: computeKeys, &set), compute.major > 0 {
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
        policy.migStrategy == .single ? singleStrategy(gpus, &set) : mixedStrategy(gpus, &set)
    }

    /// The GPU that the labels describe: the first one that is not in MIG mode, or else the first one.
    ///
    /// Pods get the others as MIG devices. Feature discovery lets GPUs without MIG mode win, too. Nil when it is not
    /// known which one of several models it is.
    private static func shown(_ gpus: [GPUFacts]) -> GPUFacts? {
        let models = Set(gpus.compactMap(\.name.value).map(productName))
        let isUnclear = gpus.contains { $0.name.value != nil && $0.migMode.whyUnknown != nil }
        guard models.count < 2 || !isUnclear else { return nil }
        return gpus.first { $0.migMode.whyUnknown == nil && $0.migMode.value?.current != true } ?? gpus.first
    }

    /// Sets the labels of the whole GPUs of one model.
    private func wholeGPUs(_ gpus: [GPUFacts], _ model: String, _ set: inout LabelSet) {
        let isMIG = gpus.map { gpu in gpu.migMode.whyUnknown == nil ? gpu.migMode.value?.current == true : nil }
        resource("gpu", model, count: gpus.count, isOffered: isMIG.contains(false), &set)
        if !isMIG.contains(false), isMIG.contains(nil) { leave(["gpu.replicas", "gpu.sharing-strategy"], &set) }
    }

    /// Sets what every resource has: the product, the count, and how pods share it.
    ///
    /// - Parameters:
    ///   - resource: The name of the resource, such as `gpu` or `mig-1g.5gb`.
    ///   - model: The model of the GPU.
    ///   - addition: What comes after the model in the product.
    ///   - count: The number of devices.
    ///   - isOffered: Whether pods can get these devices. Nobody shares others, and they have 0 replicas.
    ///   - set: The labels.
    private func resource(
        _ resource: String,
        _ model: String,
        _ addition: String = "",
        count: Int,
        isOffered: Bool = true,
        _ set: inout LabelSet
    ) {
        let name = Self.prefix + resource
        let shared = product(model, "\(addition)-SHARED")
        let known = isOffered ? sharing : .off
        let replicas = known?.replicas(of: name) ?? 1
        let isShared = replicas > 1
        put("\(resource).product", isShared && known?.isRenamed == false ? shared : product(model, addition), &set)
        put("\(resource).count", count, &set)
        put("\(resource).replicas", isOffered ? replicas : 0, &set)
        put("\(resource).sharing-strategy", known.flatMap { isShared ? $0.strategy.rawValue : nil } ?? "none", &set)
        set.unknownSharing[name] = known == nil ? labelValue(shared) : nil
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
            resource("gpu", model, "-MIG-INVALID", count: 0, isOffered: false, &set)
            put("gpu.sharing-strategy", "", &set)
            put("gpu.memory", 0, &set)
            return
        }
        migDevices("gpu", device, model, count: count, &set)
    }

    /// Sets the labels for the strategy `mixed`: those of each profile, beside the ones of whole GPUs.
    ///
    /// A GPU in MIG mode without a MIG device has no labels here. The first MIG device of a profile describes it.
    private func mixedStrategy(_ gpus: [GPUFacts], _ set: inout LabelSet) {
        let enabled = gpus.filter { $0.migMode.value?.current == true }
        guard gpus.allSatisfy({ $0.migMode.whyUnknown == nil }),
            enabled.allSatisfy({ $0.migDevices.whyUnknown == nil && $0.name.value != nil })
        else { return leave([Self.profileKeys], &set) }
        let devices = enabled.flatMap { gpu in
            (gpu.migDevices.value ?? []).map { (model: productName(gpu.name.value ?? ""), device: $0) }
        }
        let profiles = Dictionary(grouping: devices) { profileName($0.device.profile) }.filter { !$0.key.isEmpty }
        for (profile, found) in profiles.sorted(by: { $0.key < $1.key }).prefix(Self.profileLimit) {
            guard let first = found.first else { continue }
            migDevices("mig-\(profile)", first.device, first.model, count: found.count, &set)
        }
    }

    /// Sets the labels of the MIG devices of one resource.
    private func migDevices(
        _ resource: String,
        _ device: MIGDevice,
        _ model: String,
        count: Int,
        _ set: inout LabelSet
    ) {
        self.resource(resource, model, "-MIG-\(profileName(device.profile))", count: count, &set)
        // The attribute is what feature discovery shows. The memory that NVML reports for the device can differ.
        put("\(resource).memory", device.attributes.value?.memoryMiB ?? device.memoryMiB, &set)
        let keys = Self.attributeKeys.map { "\(resource).\($0)" }
        guard let attributes = value(device.attributes, of: keys, &set) else { return }
        let values = [
            attributes.multiprocessors, attributes.gpuInstanceSlices, attributes.computeInstanceSlices,
            attributes.copyEngines, attributes.decoders, attributes.encoders, attributes.jpegEngines,
            attributes.opticalFlowEngines,
        ]
        for (key, value) in zip(keys, values) { put(key, value, &set) }
    }
}
