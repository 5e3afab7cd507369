import Catalog
import NodeModel
import Support

/// Why Vulkan does not work on a node.
enum VulkanCause: Equatable {
    /// The host has no file that names the Vulkan driver of NVIDIA.
    case driverFileMissing
    /// The driver, or a library that it needs, cannot be loaded; the text says which and why.
    case libraryMissing(String)
    /// The libraries of the host need a newer C library than the agent has; the text says which.
    case libraryTooNew(String)
    case modesetModuleMissing
    case modesetNodeMissing
    /// A GPU, a vGPU or a MIG device has no graphics; the text says which.
    case noGraphics(String)
    /// The host of a vGPU chose a GPU instance for it, and the guest cannot see whether that one has graphics.
    case hostProfile(String)
    /// The agent does not know.
    case other

    /// What the agent knows about the host.
    struct Evidence {
        var gpus: [GPUFacts] = []
        /// The file that names the driver; nil when the host has none.
        var driverFile: String?
        /// Why the driver cannot be loaded; nil when it can, and when nobody tried.
        var loadError: String?
        /// Whether Vulkan lists a GPU of NVIDIA, and so has its driver.
        var hasDevice = false
        /// Whether a device of NVIDIA could be created.
        var worksSomewhere = false
        /// The loaded kernel modules; nil when they are not known.
        var modules: [String]?
        /// The device nodes; nil when they are not known.
        var nodes: [String]?
    }

    /// The cause of the first problem that has a known one.
    static func of(_ problems: [VulkanProblem], _ evidence: Evidence) -> VulkanCause {
        problems.lazy.map { cause(of: $0, evidence) }.first { $0 != .other } ?? .other
    }

    private static func cause(of problem: VulkanProblem, _ evidence: Evidence) -> VulkanCause {
        if problem.mayLackDriver, !evidence.hasDevice {
            if evidence.driverFile == nil { return .driverFileMissing }
            if let error = evidence.loadError {
                return error.contains("GLIBC_") ? .libraryTooNew(error) : .libraryMissing(error)
            }
        }
        // A vGPU of the compute series never draws, whatever else is missing.
        if let profile = profile(problem, evidence) { return .noGraphics(profile) }
        if problem.mayLackKernelModule, !evidence.worksSomewhere {
            if evidence.modules?.contains("nvidia_modeset") == false { return .modesetModuleMissing }
            if evidence.nodes?.contains("nvidia-modeset") == false { return .modesetNodeMissing }
        }
        guard problem.mayLackGraphics, let gpu = problem.gpu else { return .other }
        if gpu.hasInstanceOfItsHost { return .hostProfile(gpu.label) }
        guard case .cannotDraw = problem else { return .other }
        return .noGraphics("\(gpu.label) is the model \(gpu.name.value ?? "that NVML does not name")")
    }

    /// The types without graphics of the GPUs that the problem is about; nil when one of them may have graphics.
    private static func profile(_ problem: VulkanProblem, _ evidence: Evidence) -> String? {
        guard problem.mayLackGraphics else { return nil }
        let gpus = problem.gpu.map { [$0] } ?? evidence.gpus
        let profiles = gpus.compactMap(\.profileWithoutGraphics)
        return profiles.isEmpty || profiles.count < gpus.count ? nil : shortList(profiles)
    }
}

extension GPUFacts {
    /// The vGPU type or the MIG profiles, when they have no graphics.
    ///
    /// In a guest, the name of a MIG profile says nothing, because the host creates the GPU instance. On a GPU of the
    /// node itself, only a profile with the attribute `+gfx` has graphics.
    fileprivate var profileWithoutGraphics: String? {
        if virtualization.value == .vgpu {
            guard let name = name.value, VGPUName(name)?.series == .compute else { return nil }
            return "\(label) has the type \(name)"
        }
        guard migMode.value?.current == true, let devices = migDevices.value, !devices.isEmpty,
            !devices.contains(where: { $0.profile.contains("+gfx") })
        else { return nil }
        return "\(label) has the MIG profile \(shortList(Set(devices.map(\.profile)).sorted()))"
    }

    /// Whether the GPU is a vGPU with a GPU instance.
    fileprivate var hasInstanceOfItsHost: Bool {
        virtualization.value == .vgpu && migMode.value?.current == true
    }
}
