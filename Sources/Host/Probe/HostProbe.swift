package import NodeModel

/// Reads the facts of the host: all files below its root, and the few commands that are needed where they may be run.
package struct HostProbe: Sendable {
    private let root: HostRoot
    private let commands: HostCommands?

    /// Without `commands` nothing is run, so that a tree copied from a node can stand for it.
    package init(root: HostRoot, commands: HostCommands?) {
        self.root = root
        self.commands = commands
    }

    package func hostFacts() async -> HostFacts {
        await offPool {
            HostFacts(
                kernelRelease: kernelRelease(),
                architecture: MachineProbe.architecture(root),
                osRelease: OSReleaseFile.read(root),
                dmi: MachineProbe.dmi(root),
                hypervisor: MachineProbe.hypervisor(root),
                bootID: root.reading("/proc/sys/kernel/random/boot_id"),
                secureBoot: MachineProbe.secureBoot(root)
            )
        }
    }

    /// The driver by each source that names a version; `record` is the journal's word on it.
    package func driverFacts(record: Reading<InstallRecord>) async -> DriverFacts {
        let release = await offPool { kernelRelease() }
        let moduleFile = await ModuleFileProbe(root: root, commands: commands).read(kernelRelease: release)
        return await offPool {
            DriverFacts(
                loadedVersion: root.reading("/sys/module/nvidia/version"),
                runningModule: RunningModuleFile.read(root),
                moduleFile: moduleFile,
                nvmlLibrary: LibraryProbe(root: root).library("libnvidia-ml.so.1"),
                cudaLibrary: LibraryProbe(root: root).library("libcuda.so.1"),
                otherLibraries: LibraryProbe(root: root).otherLibraries(),
                gridDaemon: root.firstExisting(["/usr/bin/nvidia-gridd", "/usr/sbin/nvidia-gridd"]),
                loadedModules: loadedModules(),
                nouveauLoaded: nouveauLoaded(),
                deviceNodes: deviceNodes(),
                record: record
            )
        }
    }

    package func buildFacts() async -> BuildFacts {
        await offPool { BuildProbe.read(root, kernelRelease: kernelRelease()) }
    }

    /// What may be the driver's libraries on the host, by their names; empty without a driver.
    ///
    /// `HostRoot.outsidePath(_:)` makes them paths of our side.
    package func driverLibraries() async throws(HostError) -> [DriverLibrary] {
        try await offPool { () throws(HostError) in try LibraryProbe(root: root).driverLibraries() }
    }

    private func kernelRelease() -> Reading<String> {
        root.reading("/proc/sys/kernel/osrelease")
    }

    /// Absent when the tree has no `/sys/module`: nothing is known then.
    private func loadedModules() -> Reading<[String]> {
        reading { () throws(HostError) in
            try root.list("/sys/module")?.filter { $0.hasPrefix("nvidia") || $0 == "nouveau" }.sorted()
        }
    }

    /// Absent when the tree has no `/sys/module`: nothing is known then.
    private func nouveauLoaded() -> Reading<Bool> {
        reading { () throws(HostError) in
            guard try root.isDirectory("/sys/module") else { return nil }
            return try root.exists("/sys/module/nouveau")
        }
    }

    private func deviceNodes() -> Reading<[String]> {
        reading { () throws(HostError) in
            guard let names = try root.list("/dev") else { return nil }
            var nodes: [String] = []
            for name in names where name.hasPrefix("nvidia") {
                if try !root.isDirectory(HostPath("/dev").entry(name)) { nodes.append(name) }
            }
            return nodes
        }
    }
}
