/// What the operator asks for: the part of a choice that is not a fact.
package struct Policy: Codable, Sendable, Equatable {
    /// Only this driver version.
    package var version: DriverVersion?
    /// Only drivers of this branch.
    package var branch: Int?
    /// Only drivers of this channel.
    package var channel: DriverChannel?
    /// Only this kernel module type; no driver fits a GPU that cannot take it.
    ///
    /// When nil, open where the GPU leaves a choice.
    package var kernelModuleType: KernelModuleType?
    /// Whether physical GPUs are to run as RTX Virtual Workstations: with a GRID driver and its license.
    package var workstation: Bool
    /// Whether the agent may remove another owner's driver that does not fit, when nothing uses it.
    package var takeover: Bool
    /// What the operator says of GPUs, against what the catalog or the evidence says.
    package var hardware: [HardwareOverride]
    /// The prefix of the agent's own labels and of its taint, without the slash.
    package var labelPrefix: String
    /// How the device plugin is set to show MIG devices; published as `nvidia.com/mig.strategy`.
    package var migStrategy: MIGStrategy

    package init(
        version: DriverVersion? = nil,
        branch: Int? = nil,
        channel: DriverChannel? = nil,
        kernelModuleType: KernelModuleType? = nil,
        workstation: Bool = false,
        takeover: Bool = false,
        hardware: [HardwareOverride] = [],
        labelPrefix: String = "gpu-agent.dev",
        migStrategy: MIGStrategy = .single
    ) {
        self.version = version
        self.branch = branch
        self.channel = channel
        self.kernelModuleType = kernelModuleType
        self.workstation = workstation
        self.takeover = takeover
        self.hardware = hardware
        self.labelPrefix = labelPrefix
        self.migStrategy = migStrategy
    }
}

/// The device plugin's way of naming MIG devices.
package enum MIGStrategy: String, Codable, Sendable, CaseIterable {
    case none, single, mixed
}

extension Policy {
    /// The line of the configuration that is about a GPU; one with its subsystem comes before one for the whole id.
    package func override(for gpu: PCIFunction) -> HardwareOverride? {
        let lines = hardware.filter { $0.id == gpu.id }
        return lines.first { $0.subsystem != nil && $0.subsystem == gpu.subsystem.value }
            ?? lines.first { $0.subsystem == nil }
    }
}

/// What the operator says a GPU is, by its ids: the one way to settle evidence that disagrees, or to allow a GPU that no
/// rule knows.
///
/// In the configuration it is one line below `gpus`: `10de:2bb5/1414:2187: vgpu`.
package struct HardwareOverride: Codable, Sendable, Equatable {
    package enum Treatment: String, Codable, Sendable, CaseIterable {
        /// A GPU of its own: it takes a datacenter driver.
        case physical
        /// A vGPU: it takes a GRID driver.
        case vgpu
        /// It does not count.
        case ignored
    }

    package var id: PCIID
    /// Nil for every subsystem.
    package var subsystem: PCIID?
    package var treatment: Treatment

    package init(id: PCIID, subsystem: PCIID? = nil, treatment: Treatment) {
        self.id = id
        self.subsystem = subsystem
        self.treatment = treatment
    }

    /// The ids as the configuration writes them: `10de:2bb5/1414:2187`.
    package var key: String { subsystem.map { "\(id)/\($0)" } ?? id.description }
}
