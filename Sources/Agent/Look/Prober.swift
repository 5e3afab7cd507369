import Glibc
package import Host
import MIG
package import NodeModel
import PCIBus
import Planning
import Reporting
import Selection
import Support
import VendorProbe

/// Reads the facts of a node from the PCI bus, from the host's files, and from NVIDIA's libraries in a child process.
package struct Prober: Sendable {
    let root: HostRoot
    let commands: HostCommands?
    let program: String
    var probesVendor: Bool
    /// Shared by all inspections, so that a read that hangs blocks one thread and not one for each inspection.
    private let bus: PCIScan
    let claims: ClaimProbe
    let plugins: DevicePluginProbe
    var busDeadline = Duration.seconds(20)
    /// The time limit for each of NVML, CUDA and Vulkan; nil for the default limits.
    package var vendorTimeout: Duration?
    /// Whether a person waits, who gets an answer without NVML when NVML takes longer than a good driver.
    package var isBrief = false
    /// The child processes that could not be killed, of all inspections.
    let abandoned = AbandonedChildren()
    /// How long the parts of the inspections took.
    let times = ProbeTimes()
    /// Whether to test Vulkan, as the configuration says, which can still be read meanwhile.
    package var testsVulkan: @Sendable () async -> Bool = { false }
    /// Whether not to test Vulkan, whatever the configuration says.
    package var leavesOutVulkan = false
    /// Whether the configuration ignores a GPU, so that an inspection asks nothing further when it does not work.
    var ignores: @Sendable (PCIFunction) -> Bool = { _ in false }
    /// What NVIDIA's libraries said a moment ago, so that an inspection need not call them; nil to call them.
    var heard: Reading<VendorFacts>?
    /// How far to test CUDA.
    package var cuda = CUDATesting(level: .light)
    /// Whether a daemon follows the kernel log in this process, so that an inspection need not read it.
    var followsKernelLog: @Sendable () -> Bool = { false }
    /// Whether a daemon in this process waits for the events of NVML.
    var hearsNVML: @Sendable () -> Bool = { false }
    /// Hears of each call of NVIDIA's libraries before it is made, as text such as `NVML: nvmlInit_v2`.
    package var vendorProgress: @Sendable (String) -> Void = { _ in }

    /// Opens the root directory of the host.
    ///
    /// Without a host process, the prober runs no command on the host and loads none of its libraries.
    package init(_ settings: Settings) throws(HostError) {
        root = try HostRoot(settings.hostRoot)
        bus = PCIScan(sysfs: "\(root.path == "/" ? "" : root.path)/sys")
        let isRoot = geteuid() == 0
        commands =
            isRoot
            ? settings.hostPID.map { HostCommands(target: $0, environment: settings.environment) } : nil
        claims = ClaimProbe(root: root, commands: commands)
        plugins = DevicePluginProbe(root: root)
        program = settings.program
        probesVendor = settings.hostPID != nil
    }

    /// Reads the facts and the journal.
    package func look() async -> (facts: NodeFacts, journal: Reading<Journal>) {
        await times.measure { await read() }
    }

    private func read() async -> (facts: NodeFacts, journal: Reading<Journal>) {
        let journal = await readJournal()
        let probe = HostProbe(root: root, commands: commands)
        async let pci = times.measure(.pci) { await bus.scan(deadline: busDeadline, names: names) }
        async let host = times.measure(.host) { await probe.hostFacts() }
        async let build = times.measure(.build) { await probe.buildFacts() }
        async let claimed = times.measure(.claims) { await self.claims.claimFacts() }
        let record: Reading<InstallRecord> = journal.flatMap { $0.record.map { .present($0) } ?? .absent }
        var driver = await times.measure(.driver) { await probe.driverFacts(record: record) }
        driver.uninstall = journal.value?.uninstall
        driver.failed = journal.value?.failed
        // The vendor child opens device nodes. So read which processes use them before it starts.
        let claims = await claimed
        let vendor = if let heard { heard } else { await vendorFacts(probe, driver, users: claims.deviceUsers) }
        var facts = NodeFacts(
            host: await host,
            pci: await pci.functions,
            unidentified: await pci.unidentified,
            driver: driver,
            claims: claims,
            build: await build,
            vendor: vendor
        )
        facts.driver.needsReboot = journal.value?.rebootFinding(bootID: facts.host.bootID.value)
        let unloaded = journal.value?.modulesToLoad(bootID: facts.host.bootID.value) ?? []
        let missing = unloaded.filter { facts.driver.loadedModules.value?.contains($0) == false }
        facts.driver.unloadedModules = missing.isEmpty ? nil : missing
        facts.kernelLog = await kernelLog(facts)
        facts.seenGPUs = await SeenGPUsFile(root: root).reading()
        let moment = Timestamp(now())
        let managed = considered(facts)
        if !managed.unlicensedVGPUs.isEmpty || !managed.endingLicenses(at: moment).isEmpty {
            let hasSystemd = driver.surroundings?.hasSystemd == true
            let probe = LicensingProbe(root: root, commands: commands)
            facts.licensing = .present(await probe.read(at: moment, hasSystemd: hasSystemd))
        }
        facts.gpuEvents = await events.facts(boot: facts.host.bootID)
        facts.wantedMIG = await MIGRecordFile(root: root).reading().map(\.wanted)
        facts.runtime = await times.measure(.runtime) { await RuntimeProbe(root: root).read() }
        facts.devicePlugin = await times.measure(.plugin) { await devicePlugin(facts) }
        return (facts.visible, journal.flatMap(\.visible))
    }

    /// The errors of the GPUs on this host.
    var events: GPUEventProbe {
        GPUEventProbe(root: root, readsLog: !followsKernelLog(), hearsNVML: hearsNVML())
    }

    /// Whether the key of the configuration can sign kernel modules for this node.
    func signingKey(_ files: ModuleSigning?) async -> Reading<SigningKey> { await SigningKeyProbe.read(root, files) }

    /// The operating system of the host.
    package var operatingSystem: Reading<OSRelease> { HostProbe(root: root, commands: nil).operatingSystem }

    /// The packages for the build on a kernel in the directory of the configuration; skipped when it names none, or when the
    /// release of the kernel is not known.
    func bundle(for kernel: String?, on host: HostFacts, _ policy: Policy) async -> Reading<PackageBundle> {
        guard let directory = policy.source?.directory else {
            return .skipped("no directory is configured (driver.source)")
        }
        guard let kernel else { return .skipped("the kernel is not known") }
        return await BundleProbe(root: root).bundle(in: directory, for: kernel, on: host)
    }

    /// The file in which the daemon saves the published state.
    package var published: PublishedStateFile { PublishedStateFile(root: root) }

    /// The lists of PCI device names: those of the host first, then the agent's own.
    private var names: [PCINameSource] {
        let roots = root.path == "/" ? [root] : [root, try? HostRoot("/")].compactMap(\.self)
        let paths: [HostPath] = ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"]
        return roots.flatMap { root in
            paths.map { path -> PCINameSource in
                { @Sendable in
                    // A name only helps a person. Without the file, the node is the same.
                    guard let bytes = try? root.read(path, limit: PCINameList.sizeLimit) else { return nil }
                    return PCINameList(bytes)
                }
            }
        }
    }

    /// The process that holds the host's lock, and so changes the host now.
    ///
    /// Nil when no process holds it. Also nil when the lock cannot be read, for example without root, so that the agent
    /// does not report an install that may not exist.
    func installer() async -> String? { await HostLock.holder(on: root).value }

    /// Whether the holder of the lock changes the host now, or an installer that an earlier agent started.
    func isChanging() async -> Bool {
        if await installer() != nil { return true }
        guard let commands else { return false }
        return (try? await HostJob.running(on: root, commands))?.isEmpty == false
    }

    /// The finding that a job runs for longer than its step may take; nil when there is none.
    func overdueJob() async -> Finding? {
        guard let commands, let jobs = try? await HostJob.running(on: root, commands) else { return nil }
        let (moment, longest) = (JobRecord.Moment.now(), HostChange.longestJob)
        for job in jobs {
            guard let record = job.record, record.rest(at: moment, longest: longest) == .zero else { continue }
            let (running, limit) = (job.whereItRuns(), record.limit(longest: longest).components.seconds)
            return running.finding(observed: "the \(running) runs for more than \(limit) seconds")
        }
        return nil
    }

    /// What the repositories of the host offer; skipped when no decision depends on it.
    func prebuiltPackages(_ facts: NodeFacts, _ policy: Policy) async -> Reading<[OfferedPackage]> {
        if let why = facts.needsNoPrebuiltPackages(policy) { return .skipped(why) }
        guard let kernel = facts.host.kernelRelease.value,
            let distribution = PrebuiltDistributions.known(on: facts.host.osRelease.value)
        else { return .skipped("the running kernel is not known") }
        return await PrebuiltProbe(root: root, commands: commands).packages(for: kernel, of: distribution)
    }

    /// What the repositories of the host offer for the kernel of the next boot.
    ///
    /// It is nil when the agent installs no modules for this kernel, and skipped for the reason `whyNotAsked`, because the
    /// question takes long.
    func prebuiltAhead(_ facts: NodeFacts, whyNotAsked: String?) async -> Reading<[OfferedPackage]>? {
        guard let kernel = facts.kernelForPrebuiltModules?.release,
            let distribution = PrebuiltDistributions.known(on: facts.host.osRelease.value)
        else { return nil }
        if let whyNotAsked { return .skipped(whyNotAsked) }
        return await PrebuiltProbe(root: root, commands: commands).packages(for: kernel, of: distribution)
    }

    /// The packages for NVLink that the repositories of the host offer; skipped when no plan depends on it.
    func fabricPackages(
        _ facts: NodeFacts,
        _ decision: Decision,
        _ policy: Policy
    ) async -> Reading<[OfferedPackage]> {
        if let why = decision.needsNoFabricPackages(facts, policy) { return .skipped(why) }
        guard let installer = facts.host.osRelease.value.flatMap(PackageInstallers.used(on:)),
            facts.build.packageTools.value?.contains(installer.program) == true,
            let manager = FabricPackageProbe.Manager(rawValue: installer.program)
        else { return .absent }
        return await FabricPackageProbe(manager, root: root, commands: commands).packages()
    }

    func readJournal() async -> Reading<Journal> {
        do throws(HostError) {
            return try await JournalStore(root: root).load().map { .present($0) } ?? .absent
        } catch { return .unreadable(ReadFailure(error)) }
    }

    private func vendorFacts(
        _ probe: HostProbe,
        _ driver: DriverFacts,
        users: Reading<[DeviceUser]>
    ) async -> Reading<VendorFacts> {
        guard probesVendor else {
            return .skipped("the agent loads NVIDIA's libraries only with a host process (--host-pid)")
        }
        guard driver.isLoaded || driver.nvmlLibrary.value != nil else { return .absent }
        let vulkan = leavesOutVulkan ? nil : await testsVulkan() ? await probe.vulkan() : nil
        let prober = await vendorProber(probe, driver, users: users, vulkan: vulkan)
        var facts = await prober.facts()
        facts.vulkan = facts.vulkan.map { answer in
            var answer = answer
            answer.driverFile = vulkan?.driver.value
            return answer
        }
        if cuda.level == .off {
            facts.cuda = .skipped(CUDATesting.notAsked)
            facts.peers = .skipped(CUDATesting.notAsked)
        }
        let version = driver.loadedVersion.value
        cuda.remember(facts, driver: version, at: Timestamp(now()))
        return .present(cuda.proving(facts, driver: version))
    }

    /// What calls the libraries of the driver on the host.
    ///
    /// `vulkan` is what the host has for Vulkan; nil when nobody asks for a test of it.
    func vendorProber(
        _ probe: HostProbe,
        _ driver: DriverFacts,
        users: Reading<[DeviceUser]>,
        vulkan: VulkanFiles? = nil
    ) async -> VendorProber {
        let libraries = VendorLibraries(
            nvml: driver.nvmlLibrary.value.flatMap { HostPath(absolute: $0.path) }.map(root.outsidePath),
            cuda: cuda.level == .off
                ? nil : driver.cudaLibrary.value.flatMap { HostPath(absolute: $0.path) }.map(root.outsidePath),
            vulkan: vulkan?.loader.value.flatMap(HostPath.init(absolute:)).map(root.outsidePath),
            vulkanDriver: vulkan?.driverFile.map { root.outsidePath($0.path) },
            vulkanLibrary: vulkan?.driverFile.flatMap { file in
                file.library.map { VulkanDriverLibrary(path: root.outsidePath($0), version: file.version) }
            }
        )
        // NVML works without the companion libraries. A call that needs a missing one reports an error.
        let listing = (try? await probe.driverLibraries()) ?? []
        let companions = listing.map {
            VendorProbe.DriverLibrary(name: $0.name, path: root.outsidePath($0.path))
        }
        var deadlines = VendorProber.Deadlines()
        if let vendorTimeout {
            deadlines.nvml = vendorTimeout
            deadlines.cuda = vendorTimeout
            deadlines.cudaComputation = vendorTimeout
            deadlines.cudaPeers = vendorTimeout
            deadlines.vulkan = vendorTimeout
        }
        if isBrief { deadlines.beBrief() }
        let progress = vendorProgress
        let version = driver.loadedVersion.value
        return VendorProber(
            program: program,
            libraries: libraries,
            companions: VendorProbe.DriverLibrary.companions(
                from: companions,
                version: driver.nvmlLibrary.value?.version ?? driver.loadedVersion.value ?? ""
            )
                + (vulkan?.companions ?? []).map {
                    VendorProbe.DriverLibrary(name: $0.name, path: root.outsidePath($0.path))
                },
            scratch: "/tmp",
            deadlines: deadlines,
            abandoned: abandoned,
            testsVulkan: vulkan != nil,
            cudaTest: { [cuda] gpu, device in cuda.test(gpu, device, driver: version, users: users) },
            peerTest: { [cuda] first, second in cuda.testPeers(first, second, driver: version, users: users) },
            progress: { subject, call in progress("\(subject): \(call)") },
            measured: { [times] part, time in ProbePart(rawValue: part.rawValue).map { times.note($0, time) } }
        )
    }
}
