package import Catalog
package import NodeModel
package import Selection
package import Support

/// Installs a driver with NVIDIA's installer (a `.run` file), or continues an interrupted install.
package struct Runfile: Recipe {
    package var facts: NodeFacts
    package var driver: DriverTarget
    package var artifact: Artifact
    package var digest: Checksum
    /// The record of this install.
    package var record: InstallRecord
    /// The modules of other drivers that hold the GPUs, each before the modules that it uses.
    package var released: [String]
    /// The journal on the host; nil when there is none.
    package var journal: Journal?
    /// Where the package comes from; nil for the URLs of the catalog.
    package var source: PackageSource?
    /// The packages for the build; nil when the agent cannot or must not install packages.
    package var packages: BuildPackages?
    /// The install that failed, when this one goes back to the driver before it; nil for every other install.
    package var failed: FailedInstall?
    /// What belongs around the driver; nil to leave it alone.
    package var surroundings: Surroundings?
    /// What sets up NVLink; nil when the node needs nothing, or when the agent leaves it alone.
    package var fabric: Fabric?

    package init(
        facts: NodeFacts,
        driver: DriverTarget,
        artifact: Artifact,
        digest: Checksum,
        record: InstallRecord,
        released: [String] = [],
        journal: Journal?,
        source: PackageSource? = nil,
        packages: BuildPackages? = nil,
        failed: FailedInstall? = nil,
        surroundings: Surroundings? = nil,
        fabric: Fabric? = nil
    ) {
        self.facts = facts
        self.driver = driver
        self.artifact = artifact
        self.digest = digest
        self.record = record
        self.released = released
        self.journal = journal
        self.source = source
        self.packages = packages
        self.failed = failed
        self.surroundings = surroundings
        self.fabric = fabric
    }

    package var operations: [any Operation] {
        (isResumed ? [] : [begin]) + release + (isKept ? [keep] : isInstalled ? [] : install)
            + [LoadModules(extra: facts.driver.extraModulesToLoad)] + fabricSteps
            + (services.isEmpty ? [] : [StartServices(units: services)])
            + [
                VerifyNode(),
                FinishInstall(
                    record: record,
                    kept: keepsPackage ? artifact.fileName : nil,
                    keptFabricManager: keptFabricManager,
                    hasFabricFiles: fabric?.keepsFiles == true || facts.build.keptFabricPackages?.value != nil,
                    jobs: jobs
                ),
            ] + (surroundings?.afterInstall ?? [])
    }

    /// Whether the journal records that this install has started already.
    private var isResumed: Bool {
        journal?.record.map { $0.state != .installed && $0.isSameInstall(as: record) } ?? false
    }

    /// Whether the installer has finished already.
    ///
    /// The journal can survive a new installation of the operating system or a damaged disk, and somebody can remove a
    /// file. So the driver must also be on the disk, and the module file must be a kernel module.
    package var isInstalled: Bool {
        let isUsable =
            facts.driver.moduleFile.failure?.reason != .malformed && !facts.driver.lacksPart(of: record.version)
        return isResumed && journal?.finished(.install) == true && isUsable && !hasFailedToKeep
    }

    /// Whether the former driver is complete on the host, so that the way back needs no installer.
    package var isKept: Bool {
        guard let former = failed?.record.former, facts.hasWhole(former) else { return false }
        return !(isResumed && journal?.finished(.install) == true)
    }

    /// Whether the journal says that the files of the former driver seemed to be complete, but do not work.
    private var hasFailedToKeep: Bool {
        guard isResumed, hasKeptFiles, !artifact.urls.isEmpty else { return false }
        return journal?.failure != nil
    }

    /// Whether the way back has taken the files of the former driver as installed.
    private var hasKeptFiles: Bool {
        failed != nil && journal?.steps.contains { $0.step == .install && $0.job == nil } == true
    }

    private var keep: KeepDriver {
        KeepDriver(version: record.version, package: packagePath, work: facts.build.workDirectory)
    }

    /// The path of the package on the host; nil when its name is not known.
    private var packagePath: String? {
        artifact.fileName.isEmpty ? nil : "\(HostLayout.packages)/\(artifact.fileName)"
    }

    /// Whether the package is in the agent's directory since the install of this driver.
    private var hasKeptPackage: Bool { failed?.record.former?.keptPackage == artifact.fileName }

    /// Whether the package stays on the host after the install.
    ///
    /// It stays when `/var/lib` has ten times its size free, so that the agent never fills a disk.
    private var keepsPackage: Bool {
        if isKept || (isInstalled && hasKeptFiles) { return hasKeptPackage }
        return hasRoom(for: artifact.size ?? Preflight.usualSize)
    }

    /// The archive of the fabric manager that stays on the host beside the package; nil when none does.
    private var keptFabricManager: KeptFile? {
        guard keepsPackage, let archive = fabric?.archive, let digest = archive.digest else { return nil }
        let file = KeptFile(fileName: archive.fileName, digest: digest)
        let sizes = (artifact.size ?? Preflight.usualSize) + (archive.size ?? Self.usualSizeOfFabricManager)
        return failed?.record.former?.keptFabricManager == file || hasRoom(for: sizes) ? file : nil
    }

    /// The size that the agent assumes for an archive of the fabric manager whose size the catalog does not have, in bytes.
    private static let usualSizeOfFabricManager = 64 << 20

    /// Whether `/var/lib` has ten times this size free, in bytes.
    private func hasRoom(for size: Int) -> Bool {
        let free = facts.build.freeSpace.first { $0.path == "/var/lib" }?.mebibytes.value
        return free.map { $0 >= 10 * (size >> 20) } ?? false
    }

    /// The names of the jobs of this install, also of the steps that an interrupted run of it has done.
    private var jobs: [String] {
        let failedJob = failed.map { [RunInstaller.jobName($0.record.version)] } ?? []
        let planned =
            [BlacklistModules.jobName(record.version)]
            + (fabric?.installing ?? []).compactMap(\.step.job) + (fabric?.preparing ?? []).compactMap(\.step.job)
            + build.map { _ in InstallBuildPackages.jobName(record.version) }
            + [RemoveDriver.jobName(record.version), RunInstaller.jobName(record.version)] + failedJob
        let done = isResumed ? (journal?.steps ?? []).compactMap(\.job) : []
        return planned + done.filter { !planned.contains($0) }
    }

    private var release: [any Operation] {
        ReleaseGPUs.operations(released, version: record.version, journal: isResumed ? journal : nil)
    }

    private var begin: BeginInstall {
        let own = facts.driver.record.value.flatMap { $0.state == .installed ? $0 : nil }
        let former = failed?.record.former ?? record.former
        let kept = former.map(\.keptPackage) ?? own?.keptPackage
        let archive = former.map(\.keptFabricManager) ?? own?.keptFabricManager
        return BeginInstall(
            record: record,
            previous: failed == nil ? own : nil,
            jobs: jobs,
            kept: [kept, archive?.fileName].compactMap(\.self)
        )
    }

    private var install: [any Operation] {
        let unload = UnloadModules(loadedOf: facts.driver, services: services)
        let isNeeded = !unload.modules.isEmpty || !services.isEmpty
        // The installer loads the modules at its end.
        return RemoveStaleDKMS.operations(facts) + build + [package] + (fabric?.preparing ?? [])
            + (surroundings?.beforeLoad ?? []) + (isNeeded ? [unload] : []) + takeover + [installer]
    }

    /// The services of the driver that run now, and those that this install or an interrupted one stopped.
    private var services: [String] {
        let units = facts.claims.driverServices(facts.driver).union(journal?.stoppedServices ?? [])
        return DriverService.inOrder(units)
    }

    /// The steps for NVLink, which come before a service of the former driver's version could start.
    private var fabricSteps: [any Operation] {
        guard let fabric else { return [] }
        // The other steps are those before an installer.
        return (isKept || isInstalled ? fabric.preparing : []) + fabric.installing
    }

    /// The step that brings the package to the host.
    private var package: any Operation {
        switch source {
        // A node that takes its packages from a directory makes no connection, not even for the way back.
        case .directory(let path):
            CopyPackage(artifact: artifact, digest: digest, source: path, isKept: hasKeptPackage)
        default: DownloadPackage(artifact: artifact, digest: digest, isKept: hasKeptPackage)
        }
    }

    /// The step that installs the packages for the build.
    ///
    /// It is also a step when an earlier install had it: the journal forgets that install, and this step undoes its
    /// packages. If that step was interrupted, this one completes it.
    private var build: [any Operation] {
        guard let packages else { return [] }
        let isRecorded = journal?.steps.contains { $0.step == .buildPackages } ?? false
        let isDone = isResumed && journal?.finished(.buildPackages) == true
        guard !packages.names.isEmpty || (isRecorded && !isDone) else { return [] }
        return [
            InstallBuildPackages(
                packages: packages,
                kernel: record.kernelRelease,
                version: record.version,
                work: facts.build.workDirectory
            )
        ]
    }

    private var installer: RunInstaller {
        RunInstaller(
            driver: driver,
            fileName: artifact.fileName,
            dkms: facts.build.dkms.value != nil,
            compiler: packages?.compiler ?? facts.build.namedCompilerToUse,
            replaces: failed == nil ? record.replaces : nil,
            work: facts.build.workDirectory,
            signing: ModuleSignaturePolicy.key(facts.host)
        )
    }

    private var takeover: [any Operation] {
        guard let owner = record.takesOver, !(isResumed && journal?.finished(.remove) == true) else { return [] }
        let package = "\(HostLayout.packages)/\(artifact.fileName)"
        return Takeover(facts: facts, owner: owner, version: record.version, package: package).operations
    }
}
