/// Who has, or claims, the driver of this host: the traces that owners leave.
///
/// A trace says what somebody did or means to do; what is really installed stands in `DriverFacts`.
package struct ClaimFacts: Codable, Sendable, Equatable {
    /// Packages of NVIDIA's driver in the databases of the host's package managers, in order of name.
    package var packages: Reading<[DriverPackage]>
    /// The driver that NVIDIA's own installer (a `.run`) put there, by its backup log (`/var/lib/nvidia/log`).
    package var runfile: Reading<String>
    /// The module trees of NVIDIA's driver in `/var/lib/dkms`, in order of name and version.
    package var dkms: Reading<[DKMSTree]>
    /// What the node image of AKS notes about the driver it brings (`/opt/azure/aks-gpu/dkms-marker`).
    package var aksMarker: Reading<AKSMarker>
    /// The driver container of the GPU Operator, by what it leaves below `/run/nvidia`.
    package var driverContainer: Reading<DriverContainer>
    /// The unit file of the license daemon that GRID packages bring (`nvidia-gridd.service`).
    package var gridUnit: Reading<String>
    /// The processes that have one of the driver's device nodes open, in order of process id.
    package var deviceUsers: Reading<[DeviceUser]>
    /// Those labels of the Node that say who owns its driver, by key; empty when it has none of them.
    package var nodeLabels: Reading<[String: String]>
    /// The same labels as they were last seen on this node, where they cannot be read now; nil when they never were.
    package var lastNodeLabels: [String: String]?

    package init(
        packages: Reading<[DriverPackage]>,
        runfile: Reading<String>,
        dkms: Reading<[DKMSTree]>,
        aksMarker: Reading<AKSMarker>,
        driverContainer: Reading<DriverContainer>,
        gridUnit: Reading<String>,
        deviceUsers: Reading<[DeviceUser]>,
        nodeLabels: Reading<[String: String]>,
        lastNodeLabels: [String: String]? = nil
    ) {
        self.packages = packages
        self.runfile = runfile
        self.dkms = dkms
        self.aksMarker = aksMarker
        self.driverContainer = driverContainer
        self.gridUnit = gridUnit
        self.deviceUsers = deviceUsers
        self.nodeLabels = nodeLabels
        self.lastNodeLabels = lastNodeLabels
    }

    /// The labels to decide by: as they are now or, where they cannot be read, as they were last seen.
    package var knownNodeLabels: [String: String] { nodeLabels.value ?? lastNodeLabels ?? [:] }

    /// Nothing was looked at, for one reason.
    package static func skipped(_ why: String) -> ClaimFacts {
        ClaimFacts(
            packages: .skipped(why),
            runfile: .skipped(why),
            dkms: .skipped(why),
            aksMarker: .skipped(why),
            driverContainer: .skipped(why),
            gridUnit: .skipped(why),
            deviceUsers: .skipped(why),
            nodeLabels: .skipped(why)
        )
    }

    /// The labels of a Node that are kept as facts.
    package static let ownerLabels =
        [OwnerLabel.gpuOperatorDriver, OwnerLabel.gkeDriverVersion] + OwnerLabel.virtualMachines
}

/// The keys of labels by which others say that a node's driver is theirs.
package enum OwnerLabel {
    /// What the GPU Operator does about the driver: `true` on every GPU node, `false`, `pre-installed`, and with
    /// `paused-for-driver-upgrade` in it while it replaces its driver.
    package static let gpuOperatorDriver = "nvidia.com/gpu.deploy.driver"
    /// What the GPUs are for: `container`, `vm-passthrough`, `vm-vgpu`.
    package static let workload = "nvidia.com/gpu.workload.config"
    /// By these the GPU Operator keeps the GPUs of a node for virtual machines.
    package static let virtualMachines = [
        workload, "nvidia.com/gpu.deploy.vfio-manager", "nvidia.com/gpu.deploy.vgpu-manager",
    ]
    /// GKE's own installer owns the driver of every node that has it, whatever its value.
    package static let gkeDriverVersion = "cloud.google.com/gke-gpu-driver-version"
}

/// One package of a package manager.
package struct DriverPackage: Codable, Sendable, Equatable {
    /// The name of a package manager, such as `dpkg`; `PackageManagers` has those that the agent knows.
    package struct Manager: RawRepresentable, Codable, Sendable, Hashable {
        package let rawValue: String

        package init(rawValue: String) {
            self.rawValue = rawValue
        }
    }

    package var manager: Manager
    package var name: String
    /// As the package manager writes it: `580.105.08-0ubuntu0.22.04.1`, `3:580.105.08-1.el9`.
    package var version: String

    package init(manager: Manager, name: String, version: String) {
        self.manager = manager
        self.name = name
        self.version = version
    }
}

/// One module tree that DKMS builds for each new kernel.
package struct DKMSTree: Codable, Sendable, Equatable {
    /// `nvidia`, or `nvidia-current` with Debian's packages.
    package var name: String
    package var version: String
    /// The kernels it is built for, sorted; empty when it is only registered.
    package var kernels: [String]

    package init(name: String, version: String, kernels: [String]) {
        self.name = name
        self.version = version
        self.kernels = kernels
    }
}

/// The driver that a node image of AKS brings, as its marker says.
///
/// Each is nil when the marker does not have it: a truncated marker says less, and proves nothing.
package struct AKSMarker: Codable, Sendable, Equatable {
    package var version: String?
    /// `cuda`, `cuda-lts`, `grid`, `grid-v20`.
    package var kind: String?
    package var kernel: String?

    package init(version: String?, kind: String?, kernel: String?) {
        self.version = version
        self.kind = kind
        self.kernel = kernel
    }
}

/// What is below `/run/nvidia`.
package struct DriverContainer: Codable, Sendable, Equatable {
    /// Whether another root file system than the host's own is mounted on `/run/nvidia/driver`.
    package var isMounted: Bool
    /// The version of the driver's library below that root; nil where it has none.
    package var version: String?
    /// Whether the pid file of a driver container is there (`/run/nvidia/nvidia-driver.pid`).
    package var hasPIDFile: Bool
    /// The files in `/run/nvidia/validations`, sorted: `.driver-ctr-ready`, `driver-ready`.
    package var validations: [String]

    package init(isMounted: Bool, version: String?, hasPIDFile: Bool, validations: [String]) {
        self.isMounted = isMounted
        self.version = version
        self.hasPIDFile = hasPIDFile
        self.validations = validations
    }
}

/// A process that uses the driver.
package struct DeviceUser: Codable, Sendable, Equatable {
    package var pid: Int
    /// The name of its program, as the kernel keeps it (`comm`).
    package var command: String
    /// The device nodes it has open, sorted: `nvidia0`, `nvidiactl`.
    package var nodes: [String]

    package init(pid: Int, command: String, nodes: [String]) {
        self.pid = pid
        self.command = command
        self.nodes = nodes
    }
}
