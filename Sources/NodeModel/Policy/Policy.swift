/// What the operator asks for in the configuration file.
package struct Policy: Codable, Sendable, Equatable {
    /// The only driver version that the agent may choose; nil allows every version.
    package var version: DriverVersion?
    /// The only driver branch that the agent may choose; nil allows every branch.
    package var branch: Int?
    /// The only channel that the agent may choose from; nil allows every channel.
    package var channel: DriverChannel?
    /// The kernel module type to install.
    ///
    /// No driver fits a GPU that does not support it.
    ///
    /// When nil, the agent installs open kernel modules wherever the GPU supports both types.
    package var kernelModuleType: KernelModuleType?
    /// Whether physical GPUs run as RTX Virtual Workstations, with a GRID driver and its license.
    package var workstation: Bool
    /// Whether the agent may remove a driver of another owner that does not fit, while no process uses it.
    package var takeover: Bool
    /// Where the agent takes the driver from.
    ///
    /// When nil, it comes from the URLs of the catalog, unless Secure Boot needs signed modules.
    package var source: PackageSource?
    /// Whether the agent may install the packages that the build of the kernel modules needs.
    package var buildPackages: Bool
    /// What the agent sets up around a driver that it installed.
    package var surroundings: SurroundingsPolicy
    /// The key that signs the kernel modules when the kernel needs signatures; nil when there is none.
    package var signing: ModuleSigning?
    /// What the operator declares GPUs to be.
    ///
    /// It overrides the catalog and the evidence.
    package var hardware: [HardwareOverride]
    /// Whether Vulkan must work on each GPU.
    package var checksVulkan: Bool
    /// The prefix of the agent's own labels and taint, without the slash.
    package var labelPrefix: String
    /// Who owns the labels of NVIDIA's GPU feature discovery.
    package var nvidiaLabels: NVIDIALabelUse
    /// Whether the agent also writes the labels that feature discovery calls deprecated.
    package var deprecatedLabels: Bool
    /// The MIG strategy of the device plugin, which the agent publishes as `nvidia.com/mig.strategy`.
    package var migStrategy: MIGStrategy
    /// The file with the MIG layouts from which the label `nvidia.com/mig.config` of the Node selects one.
    ///
    /// It is on the agent's own file system. When nil, the daemon ignores the label.
    package var migConfigFile: String?

    /// The word that means the layouts of NVIDIA's MIG manager where a file with layouts can be named.
    package static let standardMIGLayouts = "standard"
    /// The types of the node conditions; nil when the agent publishes none.
    package var conditions: ConditionTypes?
    /// When the node counts as ready, and which start-up taints go then.
    package var readiness: ReadinessPolicy
    /// Whether the agent makes on the host what the pods of the GPU Operator wait for.
    package var handover: HandoverUse

    package init(
        version: DriverVersion? = nil,
        branch: Int? = nil,
        channel: DriverChannel? = nil,
        kernelModuleType: KernelModuleType? = nil,
        workstation: Bool = false,
        takeover: Bool = false,
        source: PackageSource? = nil,
        buildPackages: Bool = true,
        surroundings: SurroundingsPolicy = SurroundingsPolicy(),
        signing: ModuleSigning? = nil,
        hardware: [HardwareOverride] = [],
        checksVulkan: Bool = false,
        labelPrefix: String = "gpu-agent.dev",
        nvidiaLabels: NVIDIALabelUse = .auto,
        deprecatedLabels: Bool = false,
        migStrategy: MIGStrategy = .single,
        migConfigFile: String? = nil,
        conditions: ConditionTypes? = ConditionTypes(),
        readiness: ReadinessPolicy = ReadinessPolicy(),
        handover: HandoverUse = .auto
    ) {
        self.version = version
        self.branch = branch
        self.channel = channel
        self.kernelModuleType = kernelModuleType
        self.workstation = workstation
        self.takeover = takeover
        self.source = source
        self.buildPackages = buildPackages
        self.surroundings = surroundings
        self.signing = signing
        self.hardware = hardware
        self.checksVulkan = checksVulkan
        self.labelPrefix = labelPrefix
        self.nvidiaLabels = nvidiaLabels
        self.deprecatedLabels = deprecatedLabels
        self.migStrategy = migStrategy
        self.migConfigFile = migConfigFile
        self.conditions = conditions
        self.readiness = readiness
        self.handover = handover
    }
}

/// How the device plugin presents MIG devices to Kubernetes.
package enum MIGStrategy: String, Codable, Sendable, CaseIterable {
    case none, single, mixed
}

extension Policy {
    /// The override for a GPU; nil when the configuration has none.
    ///
    /// An override with the GPU's subsystem ID wins over one without a subsystem ID.
    package func override(for gpu: PCIFunction) -> HardwareOverride? {
        let lines = hardware.filter { $0.id == gpu.id }
        return lines.first { $0.subsystem != nil && $0.subsystem == gpu.subsystem.value }
            ?? lines.first { $0.subsystem == nil }
    }
}

/// What the operator declares a GPU to be, by its PCI IDs.
///
/// An override is the only way to settle conflicting evidence, and to allow a GPU that the catalog does not know. In
/// the configuration it is a line under `gpus`: `10de:2bb5/1414:2187: vgpu`.
package struct HardwareOverride: Codable, Sendable, Equatable {
    package enum Treatment: String, Codable, Sendable, CaseIterable {
        /// A physical GPU, which needs a datacenter driver.
        case physical
        /// A vGPU, which needs a GRID driver.
        case vgpu
        /// A GPU that the agent does not consider.
        case ignored
    }

    package var id: PCIID
    /// The subsystem ID; nil for all subsystems.
    package var subsystem: PCIID?
    package var treatment: Treatment

    package init(id: PCIID, subsystem: PCIID? = nil, treatment: Treatment) {
        self.id = id
        self.subsystem = subsystem
        self.treatment = treatment
    }

    /// The PCI IDs in the form of the configuration: `10de:2bb5/1414:2187`.
    package var key: String { subsystem.map { "\(id)/\($0)" } ?? id.description }
}
