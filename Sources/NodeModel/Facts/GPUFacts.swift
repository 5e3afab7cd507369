/// A GPU as NVML shows it.
package struct GPUFacts: Sendable, Equatable {
    /// NVML's index.
    ///
    /// It follows the PCI order on most nodes, and can change with a boot.
    package var index: Int
    package var pciAddress: Reading<PCIAddress>
    /// `GPU-` and a UUID.
    package var uuid: Reading<String>
    /// The product name, such as `NVIDIA H100 NVL`.
    package var name: Reading<String>
    /// The total frame buffer memory, in MiB.
    package var memoryMiB: Reading<Int>
    package var computeCapability: Reading<ComputeCapability>
    /// The MIG mode; absent when the GPU does not support MIG.
    package var migMode: Reading<MIGMode>
    /// The MIG devices of this GPU; empty when MIG mode is on and no MIG device exists.
    package var migDevices: Reading<[MIGDevice]>
    /// The kinds of GPU instances that the GPU can have; absent without MIG.
    package var migProfiles: Reading<[MIGProfile]>
    package var virtualization: Reading<VirtualizationMode>
    /// The state of the vGPU software license.
    ///
    /// Absent when the GPU does not need a license.
    package var license: Reading<LicenseFacts>
    /// The NVLink links; absent when the GPU has none.
    package var nvlink: Reading<NVLinkFacts>
    /// The state in the NVLink fabric; absent when no NVSwitch connects the GPU.
    package var fabric: Reading<FabricFacts>
    /// The processes on the GPU, which change from one moment to the next.
    package var processes: Reading<GPUProcesses>
    /// What else NVML reports.
    ///
    /// Absent when the GPU does not have the trait, or the driver does not know it.
    package var traits: GPUTraits

    package init(
        index: Int,
        pciAddress: Reading<PCIAddress>,
        uuid: Reading<String>,
        name: Reading<String>,
        memoryMiB: Reading<Int>,
        computeCapability: Reading<ComputeCapability>,
        migMode: Reading<MIGMode>,
        migDevices: Reading<[MIGDevice]>,
        migProfiles: Reading<[MIGProfile]> = .absent,
        virtualization: Reading<VirtualizationMode>,
        license: Reading<LicenseFacts>,
        nvlink: Reading<NVLinkFacts> = .absent,
        fabric: Reading<FabricFacts> = .absent,
        processes: Reading<GPUProcesses> = .absent,
        traits: GPUTraits = GPUTraits(.absent)
    ) {
        self.index = index
        self.pciAddress = pciAddress
        self.uuid = uuid
        self.name = name
        self.memoryMiB = memoryMiB
        self.computeCapability = computeCapability
        self.migMode = migMode
        self.migDevices = migDevices
        self.migProfiles = migProfiles
        self.virtualization = virtualization
        self.license = license
        self.nvlink = nvlink
        self.fabric = fabric
        self.processes = processes
        self.traits = traits
    }
}

extension GPUFacts: Codable {
    private enum Key: String, CodingKey {
        case index, pciAddress, uuid, name, memoryMiB, computeCapability, migMode, migDevices,
            virtualization, license
        case migProfiles, nvlink, fabric, processes
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            index: try container.decode(Int.self, forKey: .index),
            pciAddress: try container.decode(Reading<PCIAddress>.self, forKey: .pciAddress),
            uuid: try container.decode(Reading<String>.self, forKey: .uuid),
            name: try container.decode(Reading<String>.self, forKey: .name),
            memoryMiB: try container.decode(Reading<Int>.self, forKey: .memoryMiB),
            computeCapability: try container.decode(
                Reading<ComputeCapability>.self,
                forKey: .computeCapability
            ),
            migMode: try container.decode(Reading<MIGMode>.self, forKey: .migMode),
            migDevices: try container.decode(Reading<[MIGDevice]>.self, forKey: .migDevices),
            migProfiles: try container.decode(Reading<[MIGProfile]>.self, forKey: .migProfiles),
            virtualization: try container.decode(
                Reading<VirtualizationMode>.self,
                forKey: .virtualization
            ),
            license: try container.decode(Reading<LicenseFacts>.self, forKey: .license),
            nvlink: try container.decode(Reading<NVLinkFacts>.self, forKey: .nvlink),
            fabric: try container.decode(Reading<FabricFacts>.self, forKey: .fabric),
            processes: try container.decode(Reading<GPUProcesses>.self, forKey: .processes),
            traits: try GPUTraits(from: decoder)
        )
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(index, forKey: .index)
        try container.encode(pciAddress, forKey: .pciAddress)
        try container.encode(uuid, forKey: .uuid)
        try container.encode(name, forKey: .name)
        try container.encode(memoryMiB, forKey: .memoryMiB)
        try container.encode(computeCapability, forKey: .computeCapability)
        try container.encode(migMode, forKey: .migMode)
        try container.encode(migDevices, forKey: .migDevices)
        try container.encode(migProfiles, forKey: .migProfiles)
        try container.encode(virtualization, forKey: .virtualization)
        try container.encode(license, forKey: .license)
        try container.encode(nvlink, forKey: .nvlink)
        try container.encode(fabric, forKey: .fabric)
        try container.encode(processes, forKey: .processes)
        try traits.encode(to: encoder)
    }
}
