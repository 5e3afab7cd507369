/// What NVIDIA's libraries report.
///
/// A child process calls them.
package struct VendorFacts: Codable, Sendable, Equatable {
    package var nvml: Reading<NVMLFacts>
    /// The results of CUDA: one for the whole node, or one for each MIG device where MIG mode is on.
    package var cuda: Reading<[CUDAFacts]>
    /// The result of Vulkan; absent when the host has no loader for it (`libvulkan.so.1`).
    package var vulkan: Reading<VulkanFacts>
    /// The result of peer access between GPUs that NVLink connects; skipped when no pair was tested, with the reason.
    package var peers: Reading<CUDAPeerFacts>

    package init(
        nvml: Reading<NVMLFacts>,
        cuda: Reading<[CUDAFacts]>,
        vulkan: Reading<VulkanFacts> = .skipped(VulkanFacts.notRequested),
        peers: Reading<CUDAPeerFacts> = .skipped(Reading<CUDAPeerFacts>.notRecorded)
    ) {
        self.nvml = nvml
        self.cuda = cuda
        self.vulkan = vulkan
        self.peers = peers
    }

    /// Reads facts of this version of the agent and of earlier versions.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        nvml = try container.decode(Reading<NVMLFacts>.self, forKey: .nvml)
        cuda = try container.decode(Reading<[CUDAFacts]>.self, forKey: .cuda)
        vulkan =
            try container.decodeIfPresent(Reading<VulkanFacts>.self, forKey: .vulkan)
            ?? .skipped(Reading<VulkanFacts>.notRecorded)
        peers = try container.decode(Reading<CUDAPeerFacts>.self, forKey: .peers)
    }

    /// Whether NVML, or CUDA on a device, did not answer in the short time that a person waits.
    package var wasSlow: Bool {
        let faults = [nvml.failure, cuda.failure] + (cuda.value ?? []).map(\.fault)
        return faults.contains { $0?.reason == .slow }
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
        facts.peers = peers.map { peers in
            CUDAPeerFacts(pairs: peers.pairs.filter { !devices.contains($0.first) && !devices.contains($0.second) })
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
    /// The branch of the driver, such as `r580_00`.
    package var driverBranch: Reading<String>
    /// The settings of confidential computing, which are those of the whole node.
    package var confidentialComputing: Reading<ConfidentialComputing>
    /// The GPUs, in NVML's order.
    ///
    /// A GPU that does not answer is in the list with unreadable fields.
    package var gpus: [GPUFacts]

    package init(
        driverVersion: String,
        nvmlVersion: String,
        cudaVersion: Reading<String>,
        driverBranch: Reading<String> = .absent,
        confidentialComputing: Reading<ConfidentialComputing> = .absent,
        gpus: [GPUFacts]
    ) {
        self.driverVersion = driverVersion
        self.nvmlVersion = nvmlVersion
        self.cudaVersion = cudaVersion
        self.driverBranch = driverBranch
        self.confidentialComputing = confidentialComputing
        self.gpus = gpus
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

/// How the GPU is virtualized, according to NVML (`nvmlGpuVirtualizationMode_t`).
package enum VirtualizationMode: String, Codable, Sendable {
    case none, passthrough, vgpu, hostVgpu, hostVsga
}
