/// The traces that a driver owner leaves on the host and on the Node.
///
/// A trace shows what an owner did or intends to do. `DriverFacts` says what is really installed.
package struct ClaimFacts: Codable, Sendable, Equatable {
    /// The packages of NVIDIA's driver in the databases of the host's package managers, sorted by name.
    package var packages: Reading<[DriverPackage]>
    /// The driver version that NVIDIA's installer (a `.run` file) wrote into its backup log, `/var/lib/nvidia/log`.
    package var runfile: Reading<String>
    /// The module trees of NVIDIA's driver in `/var/lib/dkms`, sorted by name and version.
    package var dkms: Reading<[DKMSTree]>
    /// What the AKS node image records about the driver that it contains (`/opt/azure/aks-gpu/dkms-marker`).
    package var aksMarker: Reading<AKSMarker>
    /// The traces of the GPU Operator's driver container below `/run/nvidia`.
    package var driverContainer: Reading<DriverContainer>
    /// The path of the unit file `nvidia-gridd.service`.
    ///
    /// GRID packages install it for their license daemon.
    package var gridUnit: Reading<String>
    /// The processes that have a device node of the driver open, sorted by process ID.
    package var deviceUsers: Reading<[DeviceUser]>
    /// The Node's labels and annotations that say who owns its driver and what the GPU Operator does, by key; empty when
    /// the Node has none of them.
    package var nodeLabels: Reading<[String: String]>
    /// The last known values of these labels, when they cannot be read now; nil when the agent never read them.
    package var lastNodeLabels: [String: String]?
    /// The number of items that the lists above leave out, by the name of the list; nil when they are complete.
    package var leftOut: [String: Int]?

    package init(
        packages: Reading<[DriverPackage]>,
        runfile: Reading<String>,
        dkms: Reading<[DKMSTree]>,
        aksMarker: Reading<AKSMarker>,
        driverContainer: Reading<DriverContainer>,
        gridUnit: Reading<String>,
        deviceUsers: Reading<[DeviceUser]>,
        nodeLabels: Reading<[String: String]>,
        lastNodeLabels: [String: String]? = nil,
        leftOut: [String: Int]? = nil
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
        self.leftOut = leftOut
    }

    /// The labels that decisions use: the current ones, or the last known ones when the Node cannot be read.
    package var knownNodeLabels: [String: String] { nodeLabels.value ?? lastNodeLabels ?? [:] }

    /// The facts of a probe that read nothing, with the reason.
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

    /// The keys of the Node's labels that the agent keeps as facts.
    package static let ownerLabels =
        [OwnerLabel.gpuOperatorDriver, OwnerLabel.gkeDriverVersion] + OwnerLabel.virtualMachines + OperatorLabel.all
}

/// The keys of the labels with which other components claim the driver of a node.
package enum OwnerLabel {
    /// What the GPU Operator does with the driver.
    ///
    /// The value is `true` on every GPU node, `false` or `pre-installed`. It contains `paused-for-driver-upgrade` while
    /// the GPU Operator replaces its driver.
    package static let gpuOperatorDriver = "nvidia.com/gpu.deploy.driver"
    /// What the GPUs are used for: `container`, `vm-passthrough` or `vm-vgpu`.
    package static let workload = "nvidia.com/gpu.workload.config"
    /// The keys with which the GPU Operator reserves the GPUs of a node for virtual machines.
    package static let virtualMachines = [
        workload, "nvidia.com/gpu.deploy.vfio-manager", "nvidia.com/gpu.deploy.vgpu-manager",
    ]
    /// The driver version that GKE's installer installs.
    ///
    /// GKE owns the driver of a node with this label, unless the value is `disabled`.
    package static let gkeDriverVersion = "cloud.google.com/gke-gpu-driver-version"
}

/// A driver package in the database of a package manager.
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
    /// The version in the package manager's form, such as `580.105.08-0ubuntu0.22.04.1` or `3:580.105.08-1.el9`.
    package var version: String

    package init(manager: Manager, name: String, version: String) {
        self.manager = manager
        self.name = name
        self.version = version
    }
}

/// A tree of kernel module sources that DKMS builds for each new kernel.
package struct DKMSTree: Codable, Sendable, Equatable {
    /// `nvidia`, or `nvidia-current` for Debian's packages.
    package var name: String
    package var version: String
    /// The kernel releases that the modules are built for, sorted; empty when the tree is only registered.
    package var kernels: [String]
    /// Whether the source of the tree has no `dkms.conf`, or an empty one, so that DKMS can build nothing from it.
    ///
    /// Nil when the source has one or cannot be examined, and in facts of an earlier version of the agent.
    package var lacksSource: Bool?
    /// Whether the modules for a kernel are not all there, as after a power failure.
    ///
    /// DKMS 3.0.10 then lists the tree as `added`. `dkms remove --all` succeeds and leaves it, and `dkms add` refuses it.
    /// Nil when all are there or cannot be examined, and in facts of an earlier version of the agent.
    package var isHalfBuilt: Bool?

    package init(
        name: String,
        version: String,
        kernels: [String],
        lacksSource: Bool? = nil,
        isHalfBuilt: Bool? = nil
    ) {
        self.name = name
        self.version = version
        self.kernels = kernels
        self.lacksSource = lacksSource
        self.isHalfBuilt = isHalfBuilt
    }

    /// The name by which DKMS knows the tree, such as `nvidia/595.91.07`.
    package var id: String { "\(name)/\(version)" }
}

/// The driver that the AKS node image contains, as the image's marker file describes it.
///
/// A property is nil when the marker lacks it, for example in a truncated file.
package struct AKSMarker: Codable, Sendable, Equatable {
    package var version: String?
    /// The marker's name for the kind of driver: `cuda`, `cuda-lts`, `grid` or `grid-v20`.
    package var kind: String?
    package var kernel: String?

    package init(version: String?, kind: String?, kernel: String?) {
        self.version = version
        self.kind = kind
        self.kernel = kernel
    }
}

/// The traces of a driver container below `/run/nvidia`.
package struct DriverContainer: Codable, Sendable, Equatable {
    /// Whether a file system other than the host's root is mounted on `/run/nvidia/driver`.
    package var isMounted: Bool
    /// The version of the driver's library in that file system; nil when there is none.
    package var version: String?
    /// Whether the PID file of a driver container exists (`/run/nvidia/nvidia-driver.pid`).
    package var hasPIDFile: Bool
    /// The names of the files in `/run/nvidia/validations`, sorted, such as `.driver-ctr-ready` and `driver-ready`.
    package var validations: [String]
    /// Whether the root of the host is mounted on `/run/nvidia/driver`, as for a driver of the host beside the GPU
    /// Operator; nil when an earlier version of the agent wrote the facts.
    package var isHostRoot: Bool?
    /// What the GPU Operator cannot read in `.driver-ctr-ready`, as a clause; nil when it can read all of it.
    package var markerProblem: String?

    package init(isMounted: Bool, version: String?, hasPIDFile: Bool, validations: [String]) {
        self.isMounted = isMounted
        self.version = version
        self.hasPIDFile = hasPIDFile
        self.validations = validations
    }

    /// Whether a driver container of the GPU Operator, or something in its place, has said that it is ready.
    package var hasMarker: Bool { validations.contains(".driver-ctr-ready") }
}

/// A process that has a device node of the driver open.
package struct DeviceUser: Codable, Sendable, Equatable {
    package var pid: Int
    /// The name of the program as the kernel knows it (`comm`, at most 15 characters).
    package var command: String
    /// The names of the open device nodes, sorted, such as `nvidia0` and `nvidiactl`.
    package var nodes: [String]
    /// The namespace and the name of the process's pod, such as `ml/train-0`, or the UID of a pod whose name is not
    /// known; nil for a process that is in no pod.
    package var pod: String?
    /// The systemd service of the process, such as `nvidia-persistenced.service`; nil for a process that is in none.
    package var unit: String?

    package init(pid: Int, command: String, nodes: [String], pod: String? = nil, unit: String? = nil) {
        self.pid = pid
        self.command = command
        self.nodes = nodes
        self.pod = pod
        self.unit = unit
    }

    /// The process for people: `python3 (4711, pod ml/train-0)`.
    package var name: String {
        let owner = pod.map { ", pod \($0)" } ?? unit.map { ", \($0)" } ?? ""
        return "\(command) (\(pid)\(owner))"
    }
}

extension NodeFacts {
    /// Whether DKMS on the host builds the modules of this version of the driver for a new kernel, as far as the agent can
    /// tell.
    ///
    /// DKMS does not know a driver that was installed before it, or whose modules the agent signs.
    package func mayBuildWithDKMS(_ version: String) -> Bool {
        if build.dkms.isAbsent || claims.dkms.isAbsent { return false }
        return claims.dkms.value?.contains { $0.version == version } ?? true
    }
}

extension ClaimFacts {
    /// Whether only processes of an agent use the driver.
    ///
    /// They read the GPUs for some seconds. The services of the driver do not count, because the agent stops them.
    package var onlyAgentsUseDriver: Bool {
        guard let users = deviceUsers.value?.filter({ $0.driverService == nil }), !users.isEmpty else { return false }
        return users.allSatisfy { $0.command == "gpu-agent" }
    }

    /// Whether a process that is neither an agent nor a service of the driver uses it, as far as the agent knows.
    package var isDriverUsedByOthers: Bool {
        deviceUsers.value?.contains { $0.driverService == nil && $0.command != "gpu-agent" } ?? false
    }
}
