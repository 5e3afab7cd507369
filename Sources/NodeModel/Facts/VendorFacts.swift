/// What NVIDIA's own libraries answer, asked in a child process.
package struct VendorFacts: Codable, Sendable, Equatable {
    package var nvml: Reading<NVMLFacts>
    /// One entry for each way CUDA was asked: once for the whole node, or once for each MIG device where MIG is on.
    package var cuda: Reading<[CUDAFacts]>

    package init(nvml: Reading<NVMLFacts>, cuda: Reading<[CUDAFacts]>) {
        self.nvml = nvml
        self.cuda = cuda
    }
}

/// What NVML says about the driver and its GPUs.
package struct NVMLFacts: Codable, Sendable, Equatable {
    /// The version of the loaded kernel module, such as `580.105.08`.
    package var driverVersion: String
    /// The version of the library, such as `13.580.105.08`.
    package var nvmlVersion: String
    /// The newest CUDA that this driver runs, as major.minor.
    package var cudaVersion: Reading<String>
    /// In NVML's order.
    ///
    /// A GPU that does not answer is here with unreadable fields, so the others still count.
    package var gpus: [GPUFacts]

    package init(driverVersion: String, nvmlVersion: String, cudaVersion: Reading<String>, gpus: [GPUFacts]) {
        self.driverVersion = driverVersion
        self.nvmlVersion = nvmlVersion
        self.cudaVersion = cudaVersion
        self.gpus = gpus
    }
}

/// One GPU as NVML shows it.
package struct GPUFacts: Codable, Sendable, Equatable {
    /// NVML's index, which follows PCI order on most nodes and is not stable across boots.
    package var index: Int
    package var pciAddress: Reading<PCIAddress>
    /// `GPU-` and a UUID.
    package var uuid: Reading<String>
    /// The product name, such as `NVIDIA H100 NVL`.
    package var name: Reading<String>
    /// Total frame buffer in MiB.
    package var memoryMiB: Reading<Int>
    package var computeCapability: Reading<ComputeCapability>
    /// Absent where the GPU has no MIG.
    package var migMode: Reading<MIGMode>
    /// The MIG devices of this GPU; an empty list when MIG is on and nothing is carved out.
    package var migDevices: Reading<[MIGDevice]>
    package var virtualization: Reading<VirtualizationMode>
    /// The vGPU software license.
    ///
    /// Absent where the GPU needs none.
    package var license: Reading<LicenseFacts>
    /// Whether ECC is on for the GPU's memory (`nvmlDeviceGetEccMode`, the mode in force).
    ///
    /// Absent where the GPU has no ECC, or NVML has no such call.
    package var ecc: Reading<Bool>

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
        ecc: Reading<Bool> = .absent
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
        self.ecc = ecc
    }
}

/// CUDA's compute capability.
package struct ComputeCapability: Codable, Sendable, Equatable, CustomStringConvertible {
    package var major: Int
    package var minor: Int

    package init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    package var description: String { "\(major).\(minor)" }
}

/// MIG mode: what is in force, and what the next reset brings.
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
    /// It changes when the instance is made anew: never kept across boots.
    package var uuid: String
    /// The profile's name, taken from NVML's device name and not from the memory's size: `4g.96gb`.
    package var profile: String
    package var memoryMiB: Int
    package var gpuInstanceID: Int
    package var computeInstanceID: Int
    /// What the device has of the GPU.
    ///
    /// Absent where NVML has no such thing for it.
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

/// The share of a GPU that a MIG device has (`nvmlDeviceAttributes_t`).
package struct MIGAttributes: Codable, Sendable, Equatable {
    package var multiprocessors: Int
    package var gpuInstanceSlices: Int
    package var computeInstanceSlices: Int
    package var copyEngines: Int
    package var decoders: Int
    package var encoders: Int
    package var jpegEngines: Int
    package var opticalFlowEngines: Int

    package init(
        multiprocessors: Int,
        gpuInstanceSlices: Int,
        computeInstanceSlices: Int,
        copyEngines: Int,
        decoders: Int,
        encoders: Int,
        jpegEngines: Int,
        opticalFlowEngines: Int
    ) {
        self.multiprocessors = multiprocessors
        self.gpuInstanceSlices = gpuInstanceSlices
        self.computeInstanceSlices = computeInstanceSlices
        self.copyEngines = copyEngines
        self.decoders = decoders
        self.encoders = encoders
        self.jpegEngines = jpegEngines
        self.opticalFlowEngines = opticalFlowEngines
    }
}

/// How the GPU reached this machine (`nvmlGpuVirtualizationMode_t`).
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

/// What CUDA answered in one child process.
package struct CUDAFacts: Codable, Sendable, Equatable {
    /// The value of `CUDA_VISIBLE_DEVICES` in that child; nil when it was not set.
    package var visibleDevices: String?
    /// The first CUDA error code, or 0.
    package var result: Int
    /// The name of that code, such as `CUDA_ERROR_NO_DEVICE`; nil on success.
    package var errorName: String?
    /// The number of devices CUDA sees; 0 when it failed.
    package var deviceCount: Int

    package init(visibleDevices: String?, result: Int, errorName: String?, deviceCount: Int) {
        self.visibleDevices = visibleDevices
        self.result = result
        self.errorName = errorName
        self.deviceCount = deviceCount
    }
}
