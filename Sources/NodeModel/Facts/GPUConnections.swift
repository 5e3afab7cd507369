/// The NVLink links of a GPU.
package struct NVLinkFacts: Codable, Sendable, Equatable {
    /// The numbers of the links that are up.
    package var active: [Int]
    /// The numbers of the links that are down, or are connected to nothing.
    package var inactive: [Int]
    /// NVIDIA's number for the version of the first active link; nil when no link is active.
    package var version: Int?
    /// The GPUs at the other ends of the active links; nil when NVML does not tell.
    ///
    /// NVML is not asked about links that end at a switch.
    package var neighbors: [PCIAddress]?
    /// Whether an active link ends at an NVSwitch; nil when NVML does not tell.
    package var reachesSwitch: Bool?

    package init(
        active: [Int],
        inactive: [Int],
        version: Int? = nil,
        neighbors: [PCIAddress]? = nil,
        reachesSwitch: Bool? = nil
    ) {
        self.active = active
        self.inactive = inactive
        self.version = version
        self.neighbors = neighbors
        self.reachesSwitch = reachesSwitch
    }
}

/// The state of a GPU in an NVLink fabric, which NVSwitches and the fabric manager make.
package struct FabricFacts: Codable, Sendable, Equatable {
    /// How far the registration is: `not-started`, `in-progress` or `completed`.
    package var state: String
    /// The name of NVML's return code for the registration, such as `NVML_SUCCESS`.
    ///
    /// It says something only when the state is `completed`.
    package var status: String
    /// The UUID of the cluster; nil when NVML gives none.
    package var cluster: String?
    /// The number of the clique: the GPUs of a cluster with the same number reach each other.
    package var clique: Int
    /// `healthy`, `unhealthy` or `limited-capacity`; nil when the driver does not tell.
    package var health: String?
    /// The bits of `NVML_GPU_FABRIC_HEALTH_MASK_*`; nil when the driver does not tell.
    package var healthMask: Int?

    package init(
        state: String,
        status: String,
        cluster: String?,
        clique: Int,
        health: String? = nil,
        healthMask: Int? = nil
    ) {
        self.state = state
        self.status = status
        self.cluster = cluster
        self.clique = clique
        self.health = health
        self.healthMask = healthMask
    }
}

/// The processes on a GPU.
package struct GPUProcesses: Codable, Sendable, Equatable {
    /// The number of all processes; one that computes and draws counts twice.
    package var count: Int
    /// The first of them.
    package var list: [GPUProcess]

    package init(count: Int, list: [GPUProcess]) {
        self.count = count
        self.list = list
    }

    /// The number of processes in the list.
    package static let limit = 64
}

/// A process on a GPU or on one of its MIG devices.
package struct GPUProcess: Codable, Sendable, Equatable {
    package enum Kind: String, Codable, Sendable {
        case compute, graphics
    }

    package var pid: Int
    package var kind: Kind
    /// The frame buffer memory that the process uses; nil when NVML does not tell.
    package var memoryMiB: Int?
    /// The instances of the MIG device that the process uses; nil without MIG.
    package var gpuInstanceID: Int?
    package var computeInstanceID: Int?

    package init(
        pid: Int,
        kind: Kind,
        memoryMiB: Int?,
        gpuInstanceID: Int? = nil,
        computeInstanceID: Int? = nil
    ) {
        self.pid = pid
        self.kind = kind
        self.memoryMiB = memoryMiB
        self.gpuInstanceID = gpuInstanceID
        self.computeInstanceID = computeInstanceID
    }
}

/// The settings of confidential computing.
package struct ConfidentialComputing: Codable, Sendable, Equatable {
    /// `unavailable`, `non-production` or `production`.
    package var environment: String
    /// `off`, `on` or `bare-metal` (bare-metal secure AI).
    package var feature: String
    /// Whether developer tools may look into the GPUs.
    package var developerTools: Bool
    /// How several GPUs work together: `none`, `protected-pcie` or `nvle`; nil when the driver does not tell.
    package var multiGPU: String?
    /// Whether the GPUs accept work; nil when the driver does not tell.
    package var acceptsWork: Bool?

    package init(
        environment: String,
        feature: String,
        developerTools: Bool,
        multiGPU: String? = nil,
        acceptsWork: Bool? = nil
    ) {
        self.environment = environment
        self.feature = feature
        self.developerTools = developerTools
        self.multiGPU = multiGPU
        self.acceptsWork = acceptsWork
    }
}
