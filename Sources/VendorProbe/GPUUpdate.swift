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
    var virtualization: Reading<VirtualizationMode>?
    var license: Reading<LicenseFacts>?
    var traits: GPUTraits?

    /// The fields that differ.
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
        virtualization = change(\.virtualization)
        license = change(\.license)
        traits = old.traits == new.traits ? nil : new.traits
    }

    /// The facts with these changes.
    func applied(to gpu: GPUFacts) -> GPUFacts {
        GPUFacts(
            index: gpu.index,
            pciAddress: pciAddress ?? gpu.pciAddress,
            uuid: uuid ?? gpu.uuid,
            name: name ?? gpu.name,
            memoryMiB: memoryMiB ?? gpu.memoryMiB,
            computeCapability: computeCapability ?? gpu.computeCapability,
            migMode: migMode ?? gpu.migMode,
            migDevices: migDevices ?? gpu.migDevices,
            virtualization: virtualization ?? gpu.virtualization,
            license: license ?? gpu.license,
            traits: traits ?? gpu.traits
        )
    }
}
