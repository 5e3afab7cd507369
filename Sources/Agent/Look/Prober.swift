import Glibc
package import Host
package import NodeModel
import PCIBus
import Support
import VendorProbe

/// Looks at a node and gives its facts: the bus, the host's files, and NVIDIA's own libraries in a child process.
package struct Prober: Sendable {
    let root: HostRoot
    let commands: HostCommands?
    let program: String
    let probesVendor: Bool
    /// One for all looks, so that a read that hangs keeps one thread and not one for each look.
    private let bus: PCIScan
    private let claims: ClaimProbe
    var busDeadline = Duration.seconds(20)

    /// Opens the host's root.
    ///
    /// Without a host process no command is run there and no library of it is loaded.
    package init(_ settings: Settings) throws(HostError) {
        root = try HostRoot(settings.hostRoot)
        bus = PCIScan(sysfs: "\(root.path == "/" ? "" : root.path)/sys")
        let isRoot = geteuid() == 0
        commands =
            isRoot
            ? settings.hostPID.map { HostCommands(target: $0, environment: settings.environment) } : nil
        claims = ClaimProbe(root: root, commands: commands)
        program = settings.program
        probesVendor = settings.hostPID != nil
    }

    /// The facts of this moment, together with the journal on the host.
    package func look() async -> (facts: NodeFacts, journal: Reading<Journal>) {
        let journal = await readJournal()
        let probe = HostProbe(root: root, commands: commands)
        async let pci = bus.scan(deadline: busDeadline, nameLists: await nameLists())
        async let host = probe.hostFacts()
        async let build = probe.buildFacts()
        let driver = await probe.driverFacts(record: journal.flatMap { $0.record.map { .present($0) } ?? .absent })
        // The vendor child opens the device nodes: who uses them is read before it starts.
        let claims = await claims.claimFacts()
        let vendor = await vendorFacts(probe, driver)
        let facts = NodeFacts(
            host: await host,
            pci: await pci.functions,
            unidentified: await pci.unidentified,
            driver: driver,
            claims: claims,
            build: await build,
            vendor: vendor
        )
        return (facts, journal)
    }

    /// The file that the daemon leaves on the host for commands.
    package var published: PublishedStateFile { PublishedStateFile(root: root) }

    /// Where to look for the names of PCI devices: on the host first, where an operator would.
    private func nameLists() async -> [PCINameList] {
        let root = root
        return await offPool {
            let paths: [HostPath] = ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"]
            let found = paths.compactMap { path -> PCINameList? in
                guard let file = try? root.resolve(path), (try? root.status(file))?.kind == .file else { return nil }
                return .file(root.outsidePath(file))
            }
            return found + [.own]
        }
    }

    /// Who holds the host's lock, and so is changing the host now.
    ///
    /// Nil when nobody does, and also when it cannot be told: a user without rights must not be told of an install that
    /// there may not be.
    func installer() async -> String? { await HostLock.holder(on: root).value }

    /// Whether the host is being changed now: by whoever holds its lock, or by an installer that outlived its agent.
    func isChanging(_ journal: Journal?) async -> Bool {
        if await installer() != nil { return true }
        guard let commands else { return false }
        for unfinished in journal?.unfinishedJobs ?? [] {
            guard let job = try? HostJob(unfinished.name, root: root, commands: commands) else { continue }
            if case .running = try? await job.state() { return true }
        }
        return false
    }

    private func readJournal() async -> Reading<Journal> {
        do throws(HostError) {
            return try await JournalStore(root: root).load().map { .present($0) } ?? .absent
        } catch { return .unreadable(ReadFailure(.malformed, errorChain(error))) }
    }

    private func vendorFacts(_ probe: HostProbe, _ driver: DriverFacts) async -> Reading<VendorFacts> {
        guard probesVendor else { return .skipped("no vendor library is loaded without a host process (--host-pid)") }
        guard driver.isLoaded || driver.nvmlLibrary.value != nil else { return .absent }
        let libraries = VendorLibraries(
            nvml: driver.nvmlLibrary.value.flatMap { HostPath(absolute: $0.path) }.map(root.outsidePath),
            cuda: driver.cudaLibrary.value.flatMap { HostPath(absolute: $0.path) }.map(root.outsidePath)
        )
        // Without companions NVML still works; what misses one says so itself.
        let listing = (try? await probe.driverLibraries()) ?? []
        let companions = listing.map {
            VendorProbe.DriverLibrary(name: $0.name, path: root.outsidePath($0.path))
        }
        let prober = VendorProber(
            program: program,
            libraries: libraries,
            companions: VendorProbe.DriverLibrary.companions(
                from: companions,
                version: driver.nvmlLibrary.value?.version ?? driver.loadedVersion.value ?? ""
            ),
            scratch: "/tmp"
        )
        return .present(await prober.facts())
    }
}
