package import NodeModel

/// Reads the facts of the host from files below its root directory, and from a few commands where it may run them.
package struct HostProbe: Sendable {
    private let root: HostRoot
    private let commands: HostCommands?

    /// Without `commands`, nothing runs on the host.
    ///
    /// A directory tree that was copied from a node can then be examined.
    package init(root: HostRoot, commands: HostCommands?) {
        self.root = root
        self.commands = commands
    }

    /// The operating system.
    package var operatingSystem: Reading<OSRelease> { OSReleaseFile.read(root) }
    private static let bootIDFile: HostPath = "/proc/sys/kernel/random/boot_id"

    /// The ID of the running boot.
    package func bootID() async -> Reading<String> { await offPool { root.reading(Self.bootIDFile) } }

    /// The version of the loaded kernel module; absent when none is loaded.
    package func loadedVersion() async -> Reading<String> { await offPool { root.reading(Self.versionFile) } }

    /// Identifies the load of the kernel module (`DriverFacts.moduleLoad`).
    package func moduleLoad() async -> Reading<String> { await offPool { loadOfModule() } }

    private func loadOfModule() -> Reading<String> {
        reading { () throws(HostError) in try root.status("/sys/module/nvidia").map { "\($0.identity.inode)" } }
    }

    private static let versionFile: HostPath = "/sys/module/nvidia/version"

    /// The kernel, the operating system and the machine.
    package func hostFacts() async -> HostFacts {
        await offPool {
            HostFacts(
                kernelRelease: kernelRelease(),
                architecture: MachineProbe.architecture(root),
                osRelease: operatingSystem,
                dmi: MachineProbe.dmi(root),
                hypervisor: MachineProbe.hypervisor(root),
                bootID: root.reading(Self.bootIDFile),
                secureBoot: ModuleSignatureProbe.secureBoot(root),
                lockdown: ModuleSignatureProbe.lockdown(root),
                signatureEnforcement: ModuleSignatureProbe.enforcement(root),
                usrIsReadOnly: MountTable.usrIsReadOnly(root),
                pendingKernel: PendingKernelProbe(root: root).read(running: kernelRelease())
            )
        }
    }

    /// The driver, from each source that names its version.
    ///
    /// `record` comes from the agent's journal.
    package func driverFacts(record: Reading<InstallRecord>) async -> DriverFacts {
        let release = await offPool { kernelRelease() }
        let moduleFile = await ModuleFileProbe(root: root, commands: commands).read(kernelRelease: release)
        var facts = await offPool {
            let (nodes, unusable) = DeviceNodeProbe(root: root).read()
            let libraries = LibraryProbe(root: root)
            return DriverFacts(
                loadedVersion: root.reading(Self.versionFile),
                moduleLoad: loadOfModule(),
                runningModule: RunningModuleFile.read(root),
                moduleFile: moduleFile,
                nvmlLibrary: libraries.library("libnvidia-ml.so.1"),
                cudaLibrary: libraries.library("libcuda.so.1"),
                otherLibraries: libraries.otherLibraries(),
                gridDaemon: root.firstExisting(["/usr/bin/nvidia-gridd", "/usr/sbin/nvidia-gridd"]),
                loadedModules: loadedModules(),
                moduleHolders: moduleHolders(),
                nouveauLoaded: nouveauLoaded(),
                deviceNodes: nodes,
                unusableNodes: unusable.isEmpty ? nil : unusable,
                record: record,
                surroundings: SurroundingsProbe(root: root).read()
            ).bounded()
        }
        for program in [DriverService.Program.fabricManager, .imex] {
            guard let found = facts.surroundings?.program(program) else { continue }
            let version = await version(of: found, facts)
            facts.surroundings?.programs?[program.rawValue]?.version = version
        }
        return facts
    }

    /// The version that the fabric manager or IMEX prints; nil when it is not on the host or prints none.
    ///
    /// Without a loaded driver, nothing depends on it.
    private func version(of program: DriverProgram, _ facts: DriverFacts) async -> String? {
        guard let path = program.path, let commands, facts.isLoaded else { return nil }
        guard let output = try? await commands.run([path, "--version"], deadline: .seconds(5)) else { return nil }
        return DriverProgramProbe.version(in: output.output)
    }

    /// The programs of the driver that are not where NVIDIA's packages put them, or that the agent cannot see there.
    package func missingPrograms() async -> [String] {
        await offPool {
            DriverPresence.programs.filter { name in
                root.firstExisting([HostPath("/usr/bin").appending(name), HostPath("/usr/sbin").appending(name)]).value
                    == nil
            }
        }
    }

    /// The tools, headers and disk space for a build of kernel modules.
    package func buildFacts() async -> BuildFacts {
        var facts = await offPool { BuildProbe.read(root, kernelRelease: kernelRelease()) }
        facts.compilerVersion = await compilerVersion(facts.compiler)
        return facts
    }

    /// Asks the compiler of the host for its version.
    ///
    /// This takes longer than all other facts of the host together. So the agent asks only while no driver is loaded,
    /// when an install may build kernel modules, and while a newer kernel lacks a module of the driver.
    private func compilerVersion(_ compiler: Reading<String>) async -> Reading<Compiler> {
        guard await offPool({ mayBuildModules() }) else { return .skipped("a driver is loaded") }
        let path: String
        switch compiler {
        case .present(let value): path = value
        case .absent, .absentBecause: return .absent
        case .unreadable(let failure): return .unreadable(failure)
        case .skipped(let why): return .skipped(why)
        }
        guard let commands else { return .skipped("the agent runs no commands on the host") }
        do throws(HostError) {
            let output = try await commands.run([path, "--version"], deadline: .seconds(5))
            return Compiler(output.output).map { .present($0) }
                ?? .unreadable(ReadFailure(.malformed, "'\(path) --version' prints no version"))
        } catch { return .unreadable(ReadFailure(error)) }
    }

    private func mayBuildModules() -> Bool {
        guard let version = root.reading(Self.versionFile).value else { return true }
        let pending = PendingKernelProbe(root: root).read(running: kernelRelease()).value
        return pending.map { !$0.hasModule(of: version) } ?? false
    }

    /// The files on the host that may be libraries of the driver; empty without a driver.
    ///
    /// `HostRoot.outsidePath(_:)` converts their paths for the agent's own mount namespace.
    package func driverLibraries() async throws(HostError) -> [DriverLibrary] {
        try await offPool { () throws(HostError) in try LibraryProbe(root: root).driverLibraries() }
    }

    /// What the host has for Vulkan.
    package func vulkan() async -> VulkanFiles {
        await offPool {
            let libraries = LibraryProbe(root: root)
            let driver = root.firstExisting(VulkanFiles.drivers)
            return VulkanFiles(
                loader: libraries.vulkanLoader(),
                driver: driver,
                driverFile: driver.value.flatMap(HostPath.init(absolute:)).flatMap { path in
                    VulkanFiles.DriverFile(root, at: path)
                },
                companions: (try? libraries.windowLibraries()) ?? []
            )
        }
    }

    private func kernelRelease() -> Reading<String> {
        root.reading("/proc/sys/kernel/osrelease")
    }

    /// The loaded modules for NVIDIA's GPUs; absent when there is no `/sys/module`, as in a copied tree.
    private func loadedModules() -> Reading<[String]> {
        let others: Set = ["gdrdrv", "nouveau", "nova_core", "nova_drm", "rivafb"]
        return reading { () throws(HostError) in
            try root.list("/sys/module")?.filter { $0.hasPrefix("nvidia") || others.contains($0) }.sorted()
        }
    }

    /// The modules of others that use a module of NVIDIA's driver, by the name of that module; nil when there is none.
    ///
    /// They only help to find what is in the way of an unload, so a directory that cannot be read is no failure.
    private func moduleHolders() -> [String: [String]]? {
        var found: [String: [String]] = [:]
        for module in DriverFacts.modules {
            let path = HostPath("/sys/module").appending(module).appending("holders")
            let holders = (try? root.list(path))?.filter { !DriverFacts.modules.contains($0) } ?? []
            if !holders.isEmpty { found[module] = holders }
        }
        return found.isEmpty ? nil : found
    }

    /// Whether nouveau is loaded; absent when there is no `/sys/module`, as in a copied tree.
    private func nouveauLoaded() -> Reading<Bool> {
        reading { () throws(HostError) in
            guard try root.isDirectory("/sys/module") else { return nil }
            return try root.exists("/sys/module/nouveau")
        }
    }
}
