package import Catalog
package import NodeModel
package import Selection
package import Support

/// Installs a driver with NVIDIA's installer (a `.run` file), or goes on with an install that was cut off.
package struct Runfile: Recipe {
    package var facts: NodeFacts
    package var driver: DriverTarget
    package var artifact: Artifact
    package var digest: Checksum
    /// The install as it is to be recorded.
    package var record: InstallRecord
    /// What an earlier agent did; nil when it did nothing.
    package var journal: Journal?

    package init(
        facts: NodeFacts,
        driver: DriverTarget,
        artifact: Artifact,
        digest: Checksum,
        record: InstallRecord,
        journal: Journal?
    ) {
        self.facts = facts
        self.driver = driver
        self.artifact = artifact
        self.digest = digest
        self.record = record
        self.journal = journal
    }

    package var operations: [any Operation] {
        (isResumed ? [] : [begin]) + (isInstalled ? [] : install)
            + [
                LoadModules(), VerifyNode(), SyncFiles(),
                FinishInstall(record: record, fileName: artifact.fileName, jobs: jobs),
            ]
    }

    /// Whether the journal says that this very install was begun.
    private var isResumed: Bool {
        journal?.record.map { $0.state != .installed && $0.isSameInstall(as: record) } ?? false
    }

    /// Whether the installer did its work already.
    ///
    /// The journal outlives a host whose system was made anew: what it claims must be there.
    package var isInstalled: Bool {
        isResumed && journal?.finished(.install) == true && !facts.driver.moduleFile.isAbsent
    }

    private var jobs: [String] { [RemoveDriver.jobName(record.version), RunInstaller.jobName(record.version)] }

    private var begin: BeginInstall {
        let own = facts.driver.record.value.flatMap { $0.state == .installed ? $0 : nil }
        return BeginInstall(record: record, previous: own, jobs: jobs)
    }

    private var install: [any Operation] {
        let unload = UnloadModules(loadedOf: facts.driver)
        return [DownloadPackage(artifact: artifact, digest: digest)] + (unload.modules.isEmpty ? [] : [unload])
            + takeover + [installer]
    }

    private var installer: RunInstaller {
        RunInstaller(
            driver: driver,
            fileName: artifact.fileName,
            dkms: facts.build.dkms.value != nil,
            replaces: record.replaces
        )
    }

    private var takeover: [any Operation] {
        guard let owner = record.takesOver, !(isResumed && journal?.finished(.remove) == true) else { return [] }
        return Takeover(facts: facts, owner: owner, version: record.version).operations
    }
}
