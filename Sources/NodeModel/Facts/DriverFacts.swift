/// What is on this host of NVIDIA's driver, by each source that names a version.
///
/// On a healthy host they agree.
package struct DriverFacts: Codable, Sendable, Equatable {
    /// The version of the loaded kernel module (`/sys/module/nvidia/version`).
    package var loadedVersion: Reading<String>
    /// What the loaded module says of itself (`/proc/driver/nvidia/version`).
    package var runningModule: Reading<RunningModule>
    /// The module file that `modprobe nvidia` would load for the running kernel.
    package var moduleFile: Reading<ModuleFile>
    /// What `libnvidia-ml.so.1` leads to.
    package var nvmlLibrary: Reading<LibraryFile>
    /// What `libcuda.so.1` leads to.
    package var cudaLibrary: Reading<LibraryFile>
    /// Further copies of `libnvidia-ml.so.1` and `libcuda.so.1`, in other directories of libraries: a second driver.
    package var otherLibraries: Reading<[LibraryFile]>
    /// The path of `nvidia-gridd`, the license daemon that only the GRID packages bring.
    package var gridDaemon: Reading<String>
    /// The loaded kernel modules of NVIDIA's driver and nouveau, by the names of `/sys/module`, sorted.
    package var loadedModules: Reading<[String]>
    /// Whether nouveau is loaded; it must not be.
    package var nouveauLoaded: Reading<Bool>
    /// The device nodes of the driver that are in the host's `/dev`: `nvidiactl`, `nvidia0`, `nvidia-uvm`.
    package var deviceNodes: Reading<[String]>
    /// What this agent recorded about its own install; absent when it never installed anything here.
    package var record: Reading<InstallRecord>

    package init(
        loadedVersion: Reading<String>,
        runningModule: Reading<RunningModule>,
        moduleFile: Reading<ModuleFile>,
        nvmlLibrary: Reading<LibraryFile>,
        cudaLibrary: Reading<LibraryFile>,
        otherLibraries: Reading<[LibraryFile]> = .skipped("nobody looked"),
        gridDaemon: Reading<String>,
        loadedModules: Reading<[String]>,
        nouveauLoaded: Reading<Bool>,
        deviceNodes: Reading<[String]>,
        record: Reading<InstallRecord>
    ) {
        self.loadedVersion = loadedVersion
        self.runningModule = runningModule
        self.moduleFile = moduleFile
        self.nvmlLibrary = nvmlLibrary
        self.cudaLibrary = cudaLibrary
        self.otherLibraries = otherLibraries
        self.gridDaemon = gridDaemon
        self.loadedModules = loadedModules
        self.nouveauLoaded = nouveauLoaded
        self.deviceNodes = deviceNodes
        self.record = record
    }
}

/// `grid` for a vGPU guest's driver, `datacenter` for every other.
package enum DriverKind: String, Codable, Sendable, CaseIterable {
    case grid
    case datacenter
}

/// Which of the two sets of kernel modules in a driver package is built.
package enum KernelModuleType: String, Codable, Sendable, CaseIterable {
    case open
    case proprietary
}

/// The first line of `/proc/driver/nvidia/version`, taken apart.
package struct RunningModule: Codable, Sendable, Equatable {
    package var version: String
    package var kernelModuleType: KernelModuleType

    package init(version: String, kernelModuleType: KernelModuleType) {
        self.version = version
        self.kernelModuleType = kernelModuleType
    }
}

/// A kernel module file and what its `.modinfo` section says.
package struct ModuleFile: Codable, Sendable, Equatable {
    /// The path on the host.
    package var path: String
    package var version: String
    /// From the license: `Dual MIT/GPL` is open, `NVIDIA` is proprietary.
    package var kernelModuleType: KernelModuleType

    package init(path: String, version: String, kernelModuleType: KernelModuleType) {
        self.path = path
        self.version = version
        self.kernelModuleType = kernelModuleType
    }
}

/// A driver library, with the version that its file name carries.
package struct LibraryFile: Codable, Sendable, Equatable {
    /// The path on the host, with all links followed.
    package var path: String
    /// `580.105.08` of `libcuda.so.580.105.08`.
    package var version: String

    package init(path: String, version: String) {
        self.path = path
        self.version = version
    }
}

/// What the agent put on this host, written before the first change and completed after the last check.
package struct InstallRecord: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable {
        /// An install was begun, and nothing of the driver on this host was changed yet.
        case started
        /// The installer was started: what is on the host may be the driver before, this one, or parts of both.
        case changing
        /// The installer finished and what it left was looked at.
        case installed
    }

    package var state: State
    package var kind: DriverKind
    package var version: String
    package var kernelModuleType: KernelModuleType
    /// The agent's own driver that was on the host when this install was begun; nil when there was none.
    package var replaces: String?
    /// Whose driver is removed first; nil when nobody else's is.
    package var takesOver: DriverOwner?
    /// The kernel it was built for.
    package var kernelRelease: String
    /// The SHA-256 or SHA-512 of the package, in lower-case hexadecimal.
    package var artifactHash: String

    package init(
        state: State,
        kind: DriverKind,
        version: String,
        kernelModuleType: KernelModuleType,
        replaces: String? = nil,
        takesOver: DriverOwner? = nil,
        kernelRelease: String,
        artifactHash: String
    ) {
        self.state = state
        self.kind = kind
        self.version = version
        self.kernelModuleType = kernelModuleType
        self.replaces = replaces
        self.takesOver = takesOver
        self.kernelRelease = kernelRelease
        self.artifactHash = artifactHash
    }

    /// Whether a driver of this version on the host is the agent's own.
    package func owns(_ version: String) -> Bool {
        switch state {
        case .installed: version == self.version
        case .started: version == replaces
        case .changing: version == self.version || version == replaces
        }
    }

    /// Whether both are about the same driver for the same kernel from the same package, however far they are.
    package func isSameInstall(as other: InstallRecord) -> Bool {
        kind == other.kind && version == other.version && kernelModuleType == other.kernelModuleType
            && kernelRelease == other.kernelRelease && artifactHash == other.artifactHash
    }
}
