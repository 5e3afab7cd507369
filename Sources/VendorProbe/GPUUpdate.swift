import NodeModel

/// What was read about a GPU since the last note; nil for the other fields.
///
/// A child process sends one before each call. All facts of the GPU each time would cost more than the calls.
struct GPUUpdate: Codable, Equatable {
    var index: Int
    var pciAddress: Reading<PCIAddress>?
    var uuid: Reading<String>?
    var name: Reading<String>?
    var memoryMiB: Reading<Int>?
    var computeCapability: Reading<ComputeCapability>?
    var migMode: Reading<MIGMode>?
    var migDevices: Reading<[MIGDevice]>?
    var migProfiles: Reading<[MIGProfile]>?
    var virtualization: Reading<VirtualizationMode>?
    var license: Reading<LicenseFacts>?
    var nvlink: Reading<NVLinkFacts>?
    var fabric: Reading<FabricFacts>?
    var processes: Reading<GPUProcesses>?
    /// The readings by the names of the traits.
    var traits: [String: Reading<GPUTrait.Value>]?

    init(_ index: Int) { self.index = index }

    /// The traits, when nothing else was read.
    var onlyTraits: [String: Reading<GPUTrait.Value>]? {
        var others = self
        others.traits = nil
        return others == GPUUpdate(index) ? traits : nil
    }

    /// The fields that differ, without the traits.
    init(from old: GPUFacts, to new: GPUFacts) {
        func change<Value: Equatable>(_ field: KeyPath<GPUFacts, Reading<Value>>) -> Reading<Value>? {
            old[keyPath: field] == new[keyPath: field] ? nil : new[keyPath: field]
        }
        index = new.index
        pciAddress = change(\.pciAddress)
        uuid = change(\.uuid)
        name = change(\.name)
        memoryMiB = change(\.memoryMiB)
        computeCapability = change(\.computeCapability)
        migMode = change(\.migMode)
        migDevices = change(\.migDevices)
        migProfiles = change(\.migProfiles)
        virtualization = change(\.virtualization)
        license = change(\.license)
        nvlink = change(\.nvlink)
        fabric = change(\.fabric)
        processes = change(\.processes)
    }

    /// The facts with these changes.
    func applied(to gpu: GPUFacts) -> GPUFacts {
        var traits = gpu.traits
        for (name, reading) in self.traits ?? [:] {
            if let trait = GPUTrait(rawValue: name) { traits[trait] = reading }
        }
        return GPUFacts(
            index: gpu.index,
            pciAddress: pciAddress ?? gpu.pciAddress,
            uuid: uuid ?? gpu.uuid,
            name: name ?? gpu.name,
            memoryMiB: memoryMiB ?? gpu.memoryMiB,
            computeCapability: computeCapability ?? gpu.computeCapability,
            migMode: migMode ?? gpu.migMode,
            migDevices: migDevices ?? gpu.migDevices,
            migProfiles: migProfiles ?? gpu.migProfiles,
            virtualization: virtualization ?? gpu.virtualization,
            license: license ?? gpu.license,
            nvlink: nvlink ?? gpu.nvlink,
            fabric: fabric ?? gpu.fabric,
            processes: processes ?? gpu.processes,
            traits: traits
        )
    }
}
