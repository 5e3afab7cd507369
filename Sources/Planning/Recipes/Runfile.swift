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
    /// What belongs around the driver; nil to leave it alone.
    package var surroundings: Surroundings?

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
        surroundings: Surroundings? = nil
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
        self.surroundings = surroundings
    }

    package var operations: [any Operation] {
        (isResumed ? [] : [begin]) + release + (isInstalled ? [] : install)
            + [LoadModules()] + (services.isEmpty ? [] : [StartServices(units: services)])
            + [
                VerifyNode(),
                FinishInstall(record: record, fileName: artifact.fileName, jobs: jobs),
            ] + (surroundings?.afterInstall ?? [])
    }

    /// Whether the journal records that this install has started already.
    private var isResumed: Bool {
        journal?.record.map { $0.state != .installed && $0.isSameInstall(as: record) } ?? false
    }

    /// Whether the installer has finished already.
    ///
    /// The journal can survive a new installation of the operating system or a damaged disk, so the module file must
    /// also be a kernel module.
    package var isInstalled: Bool {
        let module = facts.driver.moduleFile
        let isUsable = !module.isAbsent && module.failure?.reason != .malformed
        return isResumed && journal?.finished(.install) == true && isUsable
    }

    private var jobs: [String] {
        [BlacklistModules.jobName(record.version)] + build.map { _ in InstallBuildPackages.jobName(record.version) }
            + [RemoveDriver.jobName(record.version), RunInstaller.jobName(record.version)]
    }

    /// Takes the GPUs from other drivers first, because the node may need a reboot for it.
    private var release: [any Operation] {
        guard !released.isEmpty else { return [] }
        let isOnBlacklist = isResumed && journal?.finished(.blacklist) == true
        return (isOnBlacklist ? [] : [BlacklistModules(modules: released, version: record.version)])
            + [ReleaseGPUs(modules: released)]
    }

    private var begin: BeginInstall {
        let own = facts.driver.record.value.flatMap { $0.state == .installed ? $0 : nil }
        return BeginInstall(record: record, previous: own, jobs: jobs)
    }

    private var install: [any Operation] {
        let unload = UnloadModules(loadedOf: facts.driver, services: services)
        let isNeeded = !unload.modules.isEmpty || !services.isEmpty
        // The installer loads the modules at its end.
        return build + [package] + (isNeeded ? [unload] : []) + takeover + (surroundings?.beforeLoad ?? []) + [
            installer
        ]
    }

    /// The services of the driver that run now, and those that this install or an interrupted one stopped.
    private var services: [String] {
        let running = facts.claims.deviceUsers.value?.compactMap(\.driverService) ?? []
        return Set(running + (journal?.stoppedServices ?? [])).sorted()
    }

    /// The step that brings the package to the host.
    private var package: any Operation {
        switch source {
        case .directory(let path): CopyPackage(artifact: artifact, digest: digest, source: path)
        case nil: DownloadPackage(artifact: artifact, digest: digest)
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
        return [InstallBuildPackages(packages: packages, kernel: record.kernelRelease, version: record.version)]
    }

    private var installer: RunInstaller {
        RunInstaller(
            driver: driver,
            fileName: artifact.fileName,
            dkms: facts.build.dkms.value != nil,
            compiler: packages?.compiler ?? facts.build.namedCompilerToUse,
            replaces: record.replaces
        )
    }

    private var takeover: [any Operation] {
        guard let owner = record.takesOver, !(isResumed && journal?.finished(.remove) == true) else { return [] }
        let package = "\(HostLayout.packages)/\(artifact.fileName)"
        return Takeover(facts: facts, owner: owner, version: record.version, package: package).operations
    }
}
