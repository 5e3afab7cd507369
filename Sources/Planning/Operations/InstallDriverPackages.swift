package import NodeModel
package import Selection

/// Downloads the packages of a driver of the distribution, after a look at the transaction.
///
/// It comes before everything that stops what runs. So a version that has left the repositories, a conflict or a
/// network without an answer never costs the node what it has.
package struct DownloadDriverPackages: Operation {
    package var install: InstallDriverPackages

    package init(for install: InstallDriverPackages) {
        self.install = install
    }

    package static func jobName(_ version: String) -> String { StepID.downloadPackages.jobName(for: version) }

    package var id: StepID { .downloadPackages }
    package var title: String { "download the packages of the \(install.driver) with \(install.installer.program)" }
    package var changes: String { "the package index and the package cache of the host" }
    private var job: PackageJob { install.job(Self.jobName(install.driver.version.description)) }
    package var deadlineSeconds: Int { job.installDeadline }
    package var effects: [Effect] { job.install(install.request(.download), work: install.work) }
    package var failure: StepFailure { install.failure }
}

/// Installs a driver from packages of the distribution.
///
/// The job is that of the packages for the build: it waits for the lock of the package manager, only adds packages,
/// records them before it changes the host, and holds those that the agent asks for.
package struct InstallDriverPackages: Operation {
    package var driver: DriverTarget
    /// The packages to ask for, in these versions.
    package var packages: [OfferedPackage]
    package var installer: any PackageInstaller
    /// How long the job waits for the lock of the package manager, in seconds.
    package var patience: Int
    /// The directory for temporary files, in which scripts of packages run.
    package var work: String

    package init(
        driver: DriverTarget,
        packages: [OfferedPackage],
        installer: any PackageInstaller,
        patience: Int = PackageJob.usualPatience,
        work: String = HostLayout.work
    ) {
        self.driver = driver
        self.packages = packages
        self.installer = installer
        self.patience = patience
        self.work = work
    }

    package static func jobName(_ version: String) -> String { StepID.driverPackages.jobName(for: version) }

    package var id: StepID { .driverPackages }
    package var title: String { "install the \(driver) with \(installer.program)" }
    package var changes: String { "the packages of the host, and \(HostLayout.driverPackages)" }
    package var changesDriver: Bool { true }
    private var job: PackageJob { job(Self.jobName(driver.version.description)) }
    package var deadlineSeconds: Int { job.installDeadline }
    package var effects: [Effect] { job.install(request(.installDownloaded), work: work) }

    fileprivate func job(_ name: String) -> PackageJob {
        PackageJob(name: name, installer: installer, record: HostLayout.driverPackages, patience: patience)
    }

    /// The driver must be the one of the decision, also when the repositories have a newer one by now.
    fileprivate func request(_ stage: PackageRequest.Stage) -> PackageRequest {
        PackageRequest(names: packages.map(\.name), pins: packages, stage: stage)
    }

    package var failure: StepFailure {
        .packages(
            installer,
            .driverPackagesFailed,
            packages: StepFailure.driverPackageNoun,
            exits: [
                ExitMeaning(
                    PackageScript.Exit.missing,
                    .prebuiltModulesMissing,
                    expected: "a repository of the node with these packages in these versions",
                    remedy:
                        "Run 'gpu-agent install': the agent has refreshed the package index, and takes what the "
                        + "repositories have now. If the finding stays, add a repository that has the packages, or set "
                        + "'driver.source: runfile' in the configuration."
                ),
                .packageFileMissing(),
                ExitMeaning(
                    PackageScript.Exit.refused,
                    .driverPackagesFailed,
                    expected: "an install that only adds packages",
                    remedy:
                        "Upgrade or remove the packages that are in the way yourself, or use a newer node image. Or "
                        + "set 'driver.source: runfile' in the configuration."
                ),
            ],
            command: "gpu-agent install"
        )
    }
    package var inverse: (any Operation)? {
        RemoveDriverPackages(version: driver.version.description, installer: installer, work: work)
    }
    package var leaves: String? { "those of its packages that other packages need by then" }
}

/// Removes the packages that the agent installed with a driver of the distribution, and its holds.
///
/// A package that others need by now stays.
package struct RemoveDriverPackages: Operation {
    package var version: String
    package var installer: any PackageInstaller
    /// The directory for temporary files, in which scripts of packages run.
    package var work: String

    package init(version: String, installer: any PackageInstaller, work: String = HostLayout.work) {
        self.version = version
        self.installer = installer
        self.work = work
    }

    package var id: StepID { .removeDriverPackages }
    package var title: String {
        "remove the driver \(version), whose packages \(HostLayout.driverPackages) lists, with \(installer.program)"
    }
    package var changes: String { "the packages of the host, and \(HostLayout.driverPackages)" }
    package var disrupts: Bool { true }
    package var changesDriver: Bool { true }
    private var job: PackageJob {
        PackageJob(
            name: StepID.removeDriverPackages.jobName(for: version),
            installer: installer,
            record: HostLayout.driverPackages
        )
    }
    package var deadlineSeconds: Int { job.removalDeadline }
    package var effects: [Effect] { job.remove(work: work) }
    package var failure: StepFailure {
        .packages(
            installer,
            .driverPackagesFailed,
            packages: StepFailure.driverPackageNoun,
            command: "gpu-agent uninstall"
        )
    }
}

extension StepID {
    package static let removeDriverPackages = StepID(rawValue: "remove-driver-packages")
}

extension StepFailure {
    fileprivate static let driverPackageNoun = "the packages of the driver"
}
