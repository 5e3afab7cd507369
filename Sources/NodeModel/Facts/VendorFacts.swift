/// What NVIDIA's libraries report.
///
/// A child process calls them.
package struct VendorFacts: Codable, Sendable, Equatable {
    package var nvml: Reading<NVMLFacts>
    /// The results of CUDA: one for the whole node, or one for each MIG device where MIG mode is on.
    package var cuda: Reading<[CUDAFacts]>

    package init(nvml: Reading<NVMLFacts>, cuda: Reading<[CUDAFacts]>) {
        self.nvml = nvml
        self.cuda = cuda
    }

    /// The facts without the GPUs at these addresses, and without the results of CUDA on them.
    func without(_ addresses: [PCIAddress]) -> VendorFacts {
        var facts = self
        let removed = (nvml.value?.gpus ?? []).filter { $0.pciAddress.value.map(addresses.contains) ?? false }
        let devices = Set(removed.flatMap(\.deviceUUIDs))
        facts.nvml = nvml.map { nvml in
            var nvml = nvml
            nvml.gpus.removeAll(where: removed.contains)
            return nvml
        }
        facts.cuda = cuda.map { answers in
            answers.filter { $0.visibleDevices.map { !devices.contains($0) } ?? true }
        }
        return facts
    }
}

/// What NVML reports about the driver and its GPUs.
package struct NVMLFacts: Codable, Sendable, Equatable {
    /// The version of the loaded kernel module, such as `580.105.08`.
    package var driverVersion: String
    /// The version of the library, such as `13.580.105.08`.
    package var nvmlVersion: String
    /// The newest CUDA version that this driver supports, as `major.minor`.
    package var cudaVersion: Reading<String>
    /// The GPUs, in NVML's order.
    ///
    /// A GPU that does not answer is in the list with unreadable fields.
    package var gpus: [GPUFacts]

    package init(driverVersion: String, nvmlVersion: String, cudaVersion: Reading<String>, gpus: [GPUFacts]) {
        self.driverVersion = driverVersion
        self.nvmlVersion = nvmlVersion
        self.cudaVersion = cudaVersion
        self.gpus = gpus
    }
}

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
    package var virtualization: Reading<VirtualizationMode>
    /// The state of the vGPU software license.
    ///
    /// Absent when the GPU does not need a license.
    package var license: Reading<LicenseFacts>
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
        virtualization: Reading<VirtualizationMode>,
        license: Reading<LicenseFacts>,
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
        self.virtualization = virtualization
        self.license = license
        self.traits = traits
    }
}

extension GPUFacts: Codable {
    private enum Key: String, CodingKey {
        case index, pciAddress, uuid, name, memoryMiB, computeCapability, migMode, migDevices, virtualization, license
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            index: try container.decode(Int.self, forKey: .index),
            pciAddress: try container.decode(Reading<PCIAddress>.self, forKey: .pciAddress),
            uuid: try container.decode(Reading<String>.self, forKey: .uuid),
            name: try container.decode(Reading<String>.self, forKey: .name),
            memoryMiB: try container.decode(Reading<Int>.self, forKey: .memoryMiB),
            computeCapability: try container.decode(Reading<ComputeCapability>.self, forKey: .computeCapability),
            migMode: try container.decode(Reading<MIGMode>.self, forKey: .migMode),
            migDevices: try container.decode(Reading<[MIGDevice]>.self, forKey: .migDevices),
            virtualization: try container.decode(Reading<VirtualizationMode>.self, forKey: .virtualization),
            license: try container.decode(Reading<LicenseFacts>.self, forKey: .license),
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
        try container.encode(virtualization, forKey: .virtualization)
        try container.encode(license, forKey: .license)
        try traits.encode(to: encoder)
    }
}

/// The compute capability, which is CUDA's version number for the features of a GPU.
package struct ComputeCapability: Codable, Sendable, Equatable, CustomStringConvertible {
    package var major: Int
    package var minor: Int

    package init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    package var description: String { "\(major).\(minor)" }
}

/// The MIG mode of a GPU: whether it is on now, and whether it will be on after the next GPU reset.
package struct MIGMode: Codable, Sendable, Equatable {
    package var current: Bool
    package var pending: Bool

    package init(current: Bool, pending: Bool) {
        self.current = current
        self.pending = pending
    }
}

/// One MIG device: a compute instance inside a GPU instance.
package struct MIGDevice: Codable, Sendable, Equatable {
    /// `MIG-` and a UUID.
    ///
    /// It changes when the device is created again. Do not store it across boots.
    package var uuid: String
    /// The name of the profile, such as `4g.96gb`.
    ///
    /// It comes from NVML's device name, not from the memory size.
    package var profile: String
    package var memoryMiB: Int
    package var gpuInstanceID: Int
    package var computeInstanceID: Int
    /// The resources of the device.
    ///
    /// Absent when NVML does not report them.
    package var attributes: Reading<MIGAttributes>

    package init(
        uuid: String,
        profile: String,
        memoryMiB: Int,
        gpuInstanceID: Int,
        computeInstanceID: Int,
        attributes: Reading<MIGAttributes> = .absent
    ) {
        self.uuid = uuid
        self.profile = profile
        self.memoryMiB = memoryMiB
        self.gpuInstanceID = gpuInstanceID
        self.computeInstanceID = computeInstanceID
        self.attributes = attributes
    }
}

/// The resources of a MIG device, as counts (`nvmlDeviceAttributes_t`).
package struct MIGAttributes: Codable, Sendable, Equatable {
    package var multiprocessors: Int
    package var gpuInstanceSlices: Int
    package var computeInstanceSlices: Int
    package var copyEngines: Int
    package var decoders: Int
    package var encoders: Int
    package var jpegEngines: Int
    package var opticalFlowEngines: Int
    /// The memory in MiB (`memorySizeMB`), which feature discovery shows.
    ///
    /// Nil in facts of an earlier version of the agent.
    package var memoryMiB: Int?

    package init(
        multiprocessors: Int,
        gpuInstanceSlices: Int,
        computeInstanceSlices: Int,
        copyEngines: Int,
        decoders: Int,
        encoders: Int,
        jpegEngines: Int,
        opticalFlowEngines: Int,
        memoryMiB: Int? = nil
    ) {
        self.multiprocessors = multiprocessors
        self.gpuInstanceSlices = gpuInstanceSlices
        self.computeInstanceSlices = computeInstanceSlices
        self.copyEngines = copyEngines
        self.decoders = decoders
        self.encoders = encoders
        self.jpegEngines = jpegEngines
        self.opticalFlowEngines = opticalFlowEngines
        self.memoryMiB = memoryMiB
    }
}

/// How the GPU is virtualized, according to NVML (`nvmlGpuVirtualizationMode_t`).
package enum VirtualizationMode: String, Codable, Sendable {
    case none, passthrough, vgpu, hostVgpu, hostVsga
}

/// The state of a vGPU's software license.
package struct LicenseFacts: Codable, Sendable, Equatable {
    package var licensed: Bool
    /// The licensed product, such as `NVIDIA RTX Virtual Workstation`; nil when NVML names none.
    package var product: String?

    package init(licensed: Bool, product: String?) {
        self.licensed = licensed
        self.product = product
    }
}
