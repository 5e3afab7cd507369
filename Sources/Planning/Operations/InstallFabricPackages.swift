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
    package var title: String {
        "download \(install.list) with \(install.installer.program)" + (install.source.map { " from \($0.path)" } ?? "")
    }
    package var changes: String { "the package index, and \(install.files ?? install.installer.downloads)" }
    private var job: PackageJob { install.job(Self.jobName(install.version)) }
    package var deadlineSeconds: Int { job.installDeadline }
    package var effects: [Effect] {
        var request = install.request(.download)
        // The next step installs from these files, and a later way back needs them, too.
        (request.kept, request.former) = (install.files, install.former)
        guard let source = install.source else { return job.install(request, work: install.work) }
        return job.install(request, from: source, work: install.work)
    }
    package var failure: StepFailure { install.failure }
    package var leaves: String? {
        install.files == nil ? "the downloaded packages in \(install.installer.downloads)" : nil
    }
}

/// Installs the packages for NVLink beside a driver that NVIDIA's installer installed.
///
/// The job is that of the packages for the build: it only adds packages, records them before it changes the host, and
/// holds those that the agent asks for. It refuses a transaction that would add a part of another driver. In an upgrade,
/// it may also change packages of the agent's own record.
package struct InstallFabricPackages: Operation {
    /// The packages to ask for, in these versions.
    package var packages: [OfferedPackage]
    package var installer: any PackageInstaller
    /// The version of the driver, for the name of the job.
    package var version: String
    /// The directory that has the packages, for a node without a network; nil for the repositories of the node.
    package var source: BuildPackages.Source?
    /// Whether a step before this one downloads the packages to where the package manager finds them itself.
    package var isDownloaded = false
    /// The directory of the host in which a step before this one put the files of the packages; nil when the package
    /// manager keeps them itself.
    package var files: String?
    /// The packages of the agent that give way to these.
    package var replaced: [String]
    /// The directory that must have the files of those packages for the way back; nil when nothing would be lost.
    package var former: String?
    /// The directory for temporary files, in which scripts of packages run.
    package var work: String

    package init(
        packages: [OfferedPackage],
        installer: any PackageInstaller,
        version: String,
        source: BuildPackages.Source? = nil,
        files: String? = nil,
        replaced: [String] = [],
        former: String? = nil,
        work: String = HostLayout.work
    ) {
        self.files = files
        self.replaced = replaced
        self.former = former
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
        "install \(list) with \(installer.program)" + (files == nil ? source.map { " from \($0.path)" } ?? "" : "")
            + (replaced.isEmpty ? "" : " in place of \(replaced.joined(separator: ", "))")
    }
    package var changes: String { "the packages of the host, and \(HostLayout.fabricPackages)" }
    package var deadlineSeconds: Int { job(Self.jobName(version)).installDeadline }
    package var effects: [Effect] {
        let job = job(Self.jobName(version))
        if let files {
            var request = request(.all)
            request.files = files
            return job.install(request, work: work) + [.remove([work])]
        }
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
                ExitMeaning(
                    PackageScript.Exit.noWayBack,
                    .fabricPackagesFailed,
                    expected: "the packages of the old driver's version, for the case that the new driver fails",
                    remedy: "Add a repository that has them, and run 'gpu-agent install'. Or give up the way back: "
                        + "drain the node, and run 'gpu-agent uninstall' and then 'gpu-agent install'."
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
        var request = PackageRequest(names: packages.map(\.name), pins: packages, isBesideDriver: true, stage: stage)
        request.replaced = replaced
        return request
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
