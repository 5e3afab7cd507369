/// The parts of NVIDIA's driver on this host, with the version that each part names.
///
/// On a healthy host all parts name the same version.
package struct DriverFacts: Codable, Sendable, Equatable {
    /// The version of the loaded kernel module (`/sys/module/nvidia/version`).
    package var loadedVersion: Reading<String>
    /// Identifies the load of the kernel module: the inode number of `/sys/module/nvidia`, as text.
    ///
    /// The kernel gives each new directory of sysfs the next number, so it differs after the module was unloaded and
    /// loaded again. It says nothing about another boot. Absent when no module is loaded.
    package var moduleLoad: Reading<String>
    /// What the loaded kernel module reports about itself (`/proc/driver/nvidia/version`).
    package var runningModule: Reading<RunningModule>
    /// The file that `modprobe nvidia` loads for the running kernel.
    ///
    /// Absent with a reason when the file was built for another kernel, so that this one refuses it.
    package var moduleFile: Reading<ModuleFile>
    /// The file that the link `libnvidia-ml.so.1` points to.
    package var nvmlLibrary: Reading<LibraryFile>
    /// The file that the link `libcuda.so.1` points to.
    package var cudaLibrary: Reading<LibraryFile>
    /// Copies of `libnvidia-ml.so.1` and `libcuda.so.1` in other library directories, which belong to a second driver.
    package var otherLibraries: Reading<[LibraryFile]>
    /// The path of the license daemon `nvidia-gridd`.
    ///
    /// Only GRID packages contain it.
    package var gridDaemon: Reading<String>
    /// The loaded kernel modules of NVIDIA's driver and of the kernel's own drivers for its GPUs (nouveau, nova), by
    /// their names in `/sys/module`, sorted.
    package var loadedModules: Reading<[String]>
    /// The modules of others that use a module of NVIDIA's driver, by the name of that module, as far as the agent could
    /// read them (`/sys/module/NAME/holders`).
    ///
    /// Nil when there is none, and in facts of an earlier version of the agent.
    package var moduleHolders: [String: [String]]?
    /// Whether the kernel module nouveau is loaded.
    ///
    /// NVIDIA's driver does not work together with it.
    package var nouveauLoaded: Reading<Bool>
    /// The names of the driver's device nodes in the host's `/dev`, such as `nvidiactl`, `nvidia0` and `nvidia-uvm`.
    package var deviceNodes: Reading<[String]>
    /// What is wrong with each file in `/dev` that has the name of such a device node but is not one, as a clause.
    ///
    /// Nil when there is no such file, and in facts of an earlier version of the agent.
    package var unusableNodes: [String: String]?
    /// The record of this agent's own install; absent when the agent never installed a driver on this host.
    package var record: Reading<InstallRecord>
    /// The agent's record of an uninstall; nil when there was none, or when an install came after it.
    package var uninstall: UninstallRecord?
    /// The install that failed, because of which the agent goes back to the former driver; nil when there is none.
    package var failed: FailedInstall?
    /// Why the node must reboot before the agent can replace the driver; nil when it must not.
    package var needsReboot: Finding?
    /// The kernel modules, such as `nvidia_peermem`, that an install in this boot unloaded and that are not loaded now; nil
    /// when there is none.
    package var unloadedModules: [String]?
    /// What is around the driver; nil in facts of an earlier version of the agent.
    package var surroundings: DriverSurroundings?
    /// The number of items that the lists above leave out, by the name of the list; nil when they are complete.
    package var leftOut: [String: Int]?

    package init(
        loadedVersion: Reading<String>,
        moduleLoad: Reading<String> = .skipped("not inspected"),
        runningModule: Reading<RunningModule>,
        moduleFile: Reading<ModuleFile>,
        nvmlLibrary: Reading<LibraryFile>,
        cudaLibrary: Reading<LibraryFile>,
        otherLibraries: Reading<[LibraryFile]> = .skipped("not inspected"),
        gridDaemon: Reading<String>,
        loadedModules: Reading<[String]>,
        moduleHolders: [String: [String]]? = nil,
        nouveauLoaded: Reading<Bool>,
        deviceNodes: Reading<[String]>,
        unusableNodes: [String: String]? = nil,
        record: Reading<InstallRecord>,
        uninstall: UninstallRecord? = nil,
        failed: FailedInstall? = nil,
        surroundings: DriverSurroundings? = nil,
        leftOut: [String: Int]? = nil
    ) {
        self.loadedVersion = loadedVersion
        self.moduleLoad = moduleLoad
        self.runningModule = runningModule
        self.moduleFile = moduleFile
        self.nvmlLibrary = nvmlLibrary
        self.cudaLibrary = cudaLibrary
        self.otherLibraries = otherLibraries
        self.gridDaemon = gridDaemon
        self.loadedModules = loadedModules
        self.moduleHolders = moduleHolders
        self.nouveauLoaded = nouveauLoaded
        self.deviceNodes = deviceNodes
        self.unusableNodes = unusableNodes
        self.record = record
        self.uninstall = uninstall
        self.failed = failed
        self.surroundings = surroundings
        self.leftOut = leftOut
    }
}

/// The two kinds of NVIDIA drivers that the agent installs.
///
/// A GRID driver is for vGPUs and for virtual workstations, and needs a license. A datacenter driver is for physical
/// GPUs.
package enum DriverKind: String, Codable, Sendable, CaseIterable {
    case grid
    case datacenter

    /// The name for people: `GRID` or `datacenter`.
    package var displayName: String { self == .grid ? "GRID" : rawValue }
}

/// The kernel module type: which of the two sets of kernel modules in a driver package is built.
package enum KernelModuleType: String, Codable, Sendable, CaseIterable {
    case open
    case proprietary
}

/// The loaded kernel module, as the first line of `/proc/driver/nvidia/version` describes it.
package struct RunningModule: Codable, Sendable, Equatable {
    package var version: String
    package var kernelModuleType: KernelModuleType

    package init(version: String, kernelModuleType: KernelModuleType) {
        self.version = version
        self.kernelModuleType = kernelModuleType
    }
}

/// A kernel module file, with the contents of its `.modinfo` section.
package struct ModuleFile: Codable, Sendable, Equatable {
    /// The path on the host.
    package var path: String
    package var version: String
    /// The kernel module type, which follows from the license: `Dual MIT/GPL` is open and `NVIDIA` is proprietary.
    package var kernelModuleType: KernelModuleType

    package init(path: String, version: String, kernelModuleType: KernelModuleType) {
        self.path = path
        self.version = version
        self.kernelModuleType = kernelModuleType
    }
}

/// A library of the driver, whose version comes from the name of its file.
///
/// The library is not loaded for this, because its code could crash or hang the agent.
package struct LibraryFile: Codable, Sendable, Equatable {
    /// The path on the host, after all links are followed.
    package var path: String
    /// The version in the file name: `580.105.08` for `libcuda.so.580.105.08`.
    package var version: String

    package init(path: String, version: String) {
        self.path = path
        self.version = version
    }
}

/// The agent's record of a driver install.
///
/// The agent writes it before the first change to the host, and completes it after the last check.
package struct InstallRecord: Codable, Sendable, Equatable {
    /// How far the install got.
    package enum State: String, Codable, Sendable {
        /// The agent began an install and has not changed the driver on this host yet.
        case started
        /// The agent started the installer.
        ///
        /// The host may have the previous driver, this driver, or parts of both.
        case changing
        /// The installer finished, and the agent checked the result.
        case installed
    }

    package var state: State
    package var kind: DriverKind
    package var version: String
    package var kernelModuleType: KernelModuleType
    /// The version of the agent's own driver that this install replaces; nil when there was none.
    package var replaces: String?
    /// That driver, so that the agent can go back to it; nil when there was none, and after the install.
    package var former: FormerDriver?
    /// The owner whose driver this install removes first; nil when the driver has no other owner.
    package var takesOver: DriverOwner?
    /// The kernel release that the modules are built for.
    package var kernelRelease: String
    /// The boot ID of the kernel that ran when the agent wrote the record, from `/proc/sys/kernel/random/boot_id`.
    ///
    /// Nil when it could not be read, and in records of earlier versions of the agent.
    package var bootID: String?
    /// The SHA-256 or SHA-512 checksum of the package, in lower-case hexadecimal; empty for packages of the distribution.
    package var artifactHash: String
    /// The file name of the package that the agent kept after the install; nil when it kept none.
    package var keptPackage: String?
    /// NVIDIA's archive with the fabric manager of this version, which the agent kept after the install; nil when it kept none.
    package var keptFabricManager: KeptFile?
    /// The packages of the distribution that the install asks for; nil for a driver from NVIDIA's package.
    package var packages: [String]?

    package init(
        state: State,
        kind: DriverKind,
        version: String,
        kernelModuleType: KernelModuleType,
        replaces: String? = nil,
        former: FormerDriver? = nil,
        takesOver: DriverOwner? = nil,
        kernelRelease: String,
        bootID: String? = nil,
        artifactHash: String,
        keptPackage: String? = nil,
        keptFabricManager: KeptFile? = nil,
        packages: [String]? = nil
    ) {
        self.state = state
        self.kind = kind
        self.version = version
        self.kernelModuleType = kernelModuleType
        self.replaces = replaces
        self.former = former
        self.takesOver = takesOver
        self.kernelRelease = kernelRelease
        self.bootID = bootID
        self.artifactHash = artifactHash
        self.keptPackage = keptPackage
        self.keptFabricManager = keptFabricManager
        self.packages = packages
    }

    /// Whether the agent installed the driver of this version, according to the record.
    package func owns(_ version: String) -> Bool {
        switch state {
        case .installed: version == self.version
        case .started: version == replaces
        case .changing: version == self.version || version == replaces
        }
    }

    /// Whether both records are about the same driver, kernel and package, whatever their states are.
    package func isSameInstall(as other: InstallRecord) -> Bool {
        kind == other.kind && version == other.version && kernelModuleType == other.kernelModuleType
            && kernelRelease == other.kernelRelease && artifactHash == other.artifactHash
    }
}

extension DriverFacts {
    /// The facts of a tree of files without a driver, in which also nothing is loaded.
    package static let absent = DriverFacts(
        loadedVersion: .absent,
        moduleLoad: .absent,
        runningModule: .absent,
        moduleFile: .absent,
        nvmlLibrary: .absent,
        cudaLibrary: .absent,
        gridDaemon: .absent,
        loadedModules: .absent,
        nouveauLoaded: .absent,
        deviceNodes: .absent,
        record: .absent
    )
}
