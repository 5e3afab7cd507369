package import NodeModel
package import Selection

/// Installs a driver with prebuilt kernel modules from packages of the distribution, or continues an interrupted install.
package struct Prebuilt: Recipe {
    package var facts: NodeFacts
    package var driver: DriverTarget
    package var packages: [OfferedPackage]
    package var installer: any PackageInstaller
    /// The record of this install.
    package var record: InstallRecord
    /// The modules of other drivers that hold the GPUs, each before the modules that it uses.
    package var released: [String]
    /// The journal on the host; nil when there is none.
    package var journal: Journal?
    /// Whether the fabric manager is among the packages, and is a service of systemd.
    package var startsFabricManager: Bool
    /// What belongs around the driver; nil to leave it alone.
    package var surroundings: Surroundings?

    package init(
        facts: NodeFacts,
        driver: DriverTarget,
        packages: [OfferedPackage],
        installer: any PackageInstaller,
        record: InstallRecord,
        released: [String] = [],
        journal: Journal?,
        startsFabricManager: Bool = false,
        surroundings: Surroundings? = nil
    ) {
        self.facts = facts
        self.driver = driver
        self.packages = packages
        self.installer = installer
        self.record = record
        self.released = released
        self.journal = journal
        self.startsFabricManager = startsFabricManager
        self.surroundings = surroundings
    }

    package var operations: [any Operation] {
        // Until the package manager has accepted the transaction and has its packages, everything that runs stays.
        (isResumed ? [] : [begin])
            + (isInstalled ? [] : RemoveStaleDKMS.operations(facts) + [DownloadDriverPackages(for: installation)])
            + ReleaseGPUs.operations(released, version: record.version, journal: isResumed ? journal : nil)
            + (isInstalled ? [] : install) + [LoadModules(extra: facts.driver.extraModulesToLoad)]
            + (services.isEmpty ? [] : [StartServices(units: services)])
            + (startsFabricManager ? [StartFabricManager()] : [])
            + [VerifyNode(), FinishInstall(record: record, kept: nil, jobs: jobs)]
            + (surroundings?.afterInstall ?? [])
    }

    /// Whether the journal records that this install has started already.
    private var isResumed: Bool {
        journal?.record.map { $0.state != .installed && $0.isSameInstall(as: record) } ?? false
    }

    /// Whether the packages are there already.
    package var isInstalled: Bool {
        isResumed && journal?.finished(.driverPackages) == true && facts.driver.moduleFile.value != nil
            && !facts.driver.lacksPart(of: record.version)
    }

    private var begin: BeginInstall {
        let own = facts.driver.record.value.flatMap { $0.state == .installed ? $0 : nil }
        return BeginInstall(record: record, previous: own, jobs: jobs)
    }

    private var install: [any Operation] {
        let unload = UnloadModules(loadedOf: facts.driver, services: services)
        let isNeeded = !unload.modules.isEmpty || !services.isEmpty
        return (surroundings?.beforeLoad ?? []) + (isNeeded ? [unload] : []) + [installation]
    }

    private var installation: InstallDriverPackages {
        InstallDriverPackages(
            driver: driver,
            packages: packages,
            installer: installer,
            work: facts.build.workDirectory
        )
    }

    /// The services of the driver that run now, and those that this install or an interrupted one stopped.
    private var services: [String] {
        DriverService.inOrder(facts.claims.driverServices(facts.driver).union(journal?.stoppedServices ?? []))
    }

    private var jobs: [String] {
        [
            BlacklistModules.jobName(record.version), DownloadDriverPackages.jobName(record.version),
            InstallDriverPackages.jobName(record.version),
        ]
    }
}
