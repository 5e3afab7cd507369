package import NodeModel

/// Downloads the packages for NVLink, after a look at the transaction.
///
/// It comes before everything that stops what runs. So a version that has left the repositories or a conflict costs the
/// node nothing.
package struct DownloadFabricPackages: Operation {
    package var install: InstallFabricPackages

    package init(for install: InstallFabricPackages) {
        self.install = install
    }

    package static func jobName(_ version: String) -> String { StepID.downloadFabricPackages.jobName(for: version) }

    package var id: StepID { .downloadFabricPackages }
    package var title: String { "download \(install.list) with \(install.installer.program)" }
    package var changes: String { "the package index, and \(install.installer.downloads)" }
    private var job: PackageJob { install.job(Self.jobName(install.version)) }
    package var deadlineSeconds: Int { job.installDeadline }
    package var effects: [Effect] { job.install(install.request(.download), work: install.work) }
    package var failure: StepFailure { install.failure }
    package var leaves: String? { "the downloaded packages in \(install.installer.downloads)" }
}

/// Installs the packages for NVLink beside a driver that NVIDIA's installer installed.
///
/// The job is that of the packages for the build: it only adds packages, records them before it changes the host, and
/// holds those that the agent asks for. It refuses a transaction that would add a part of another driver.
package struct InstallFabricPackages: Operation {
    /// The packages to ask for, in these versions.
    package var packages: [OfferedPackage]
    package var installer: any PackageInstaller
    /// The version of the driver, for the name of the job.
    package var version: String
    /// The directory that has the packages, for a node without a network; nil for the repositories of the node.
    package var source: BuildPackages.Source?
    /// Whether a step before this one downloads the packages.
    package var isDownloaded = false
    /// The directory for temporary files, in which scripts of packages run.
    package var work: String

    package init(
        packages: [OfferedPackage],
        installer: any PackageInstaller,
        version: String,
        source: BuildPackages.Source? = nil,
        work: String = HostLayout.work
    ) {
        self.packages = packages
        self.installer = installer
        self.version = version
        self.source = source
        self.work = work
    }

    package static func jobName(_ version: String) -> String { StepID.fabricPackages.jobName(for: version) }

    fileprivate var list: String { packages.map { "\($0.name) \($0.version)" }.joined(separator: ", ") }
    package var id: StepID { .fabricPackages }
    package var title: String {
        "install \(list) with \(installer.program)" + (source.map { " from \($0.path)" } ?? "")
    }
    package var changes: String { "the packages of the host, and \(HostLayout.fabricPackages)" }
    package var deadlineSeconds: Int { job(Self.jobName(version)).installDeadline }
    package var effects: [Effect] {
        let job = job(Self.jobName(version))
        // While the directory exists, the udev rule of the agent does nothing.
        guard let source else {
            return job.install(request(isDownloaded ? .installDownloaded : .all), work: work) + [.remove([work])]
        }
        return source.copied(to: "\(work)/packages") { directory in
            var request = request(.all)
            request.directory = directory
            return job.install(request, work: work)
        } + [.remove([work])]
    }
    package var failure: StepFailure {
        let byHand = "Install \(list) on the node yourself. Then run 'gpu-agent install'."
        return .packages(
            installer,
            .fabricPackagesFailed,
            packages: StepFailure.fabricPackageNoun,
            remedy: byHand,
            exits: [
                ExitMeaning(
                    PackageScript.Exit.missing,
                    .fabricPackagesFailed,
                    expected: "a repository of the node with these packages in these versions",
                    remedy: "Run 'gpu-agent install': the agent has refreshed the package index, and takes what the "
                        + "repositories have now. If the finding stays, add a repository that has the packages."
                ),
                .packageFileMissing(),
                ExitMeaning(
                    PackageScript.Exit.refused,
                    .fabricPackagesFailed,
                    expected: "an install that only adds packages, and no part of another driver",
                    remedy: byHand
                ),
            ],
            command: "gpu-agent install"
        )
    }
    package var inverse: (any Operation)? {
        RemoveFabricPackages(version: version, installer: installer, work: work)
    }
    package var leaves: String? { "those of the packages for NVLink that other packages need by then" }

    fileprivate func job(_ name: String) -> PackageJob {
        PackageJob(name: name, installer: installer, record: HostLayout.fabricPackages)
    }

    fileprivate func request(_ stage: PackageRequest.Stage) -> PackageRequest {
        PackageRequest(names: packages.map(\.name), pins: packages, isBesideDriver: true, stage: stage)
    }
}

/// Removes the packages for NVLink that the agent installed, and its holds.
package struct RemoveFabricPackages: Operation {
    package var version: String
    package var installer: any PackageInstaller
    /// The directory for temporary files, in which scripts of packages run.
    package var work: String

    package init(version: String, installer: any PackageInstaller, work: String = HostLayout.work) {
        self.version = version
        self.installer = installer
        self.work = work
    }

    package var id: StepID { .removeFabricPackages }
    package var title: String {
        "remove the packages that \(HostLayout.fabricPackages) lists, with \(installer.program)"
    }
    package var changes: String { "the packages of the host, and \(HostLayout.fabricPackages)" }
    package var disrupts: Bool { true }
    private var job: PackageJob {
        PackageJob(
            name: StepID.removeFabricPackages.jobName(for: version),
            installer: installer,
            record: HostLayout.fabricPackages
        )
    }
    package var deadlineSeconds: Int { job.removalDeadline }
    package var effects: [Effect] { job.remove(work: work) }
    package var failure: StepFailure {
        .packages(
            installer,
            .fabricPackagesFailed,
            packages: StepFailure.fabricPackageNoun,
            command: "gpu-agent uninstall"
        )
    }
}

extension StepFailure {
    fileprivate static let fabricPackageNoun = "the packages for NVLink"
}
