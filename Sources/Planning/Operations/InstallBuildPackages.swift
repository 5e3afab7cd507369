package import NodeModel

/// Installs the packages that the build of the kernel modules needs.
///
/// The job only adds packages. It records them before it changes the host, and holds the named packages, so that an
/// unattended upgrade does not change them. When nothing is missing, it only completes the holds of an earlier job.
package struct InstallBuildPackages: Operation {
    package var packages: BuildPackages
    /// The release of the running kernel.
    package var kernel: String
    /// The version of the driver that is installed, for the name of the job.
    package var version: String
    /// How long the job waits for the lock of the package manager, in seconds.
    package var patience: Int
    /// The directory for temporary files, in which scripts of packages run.
    package var work: String

    package init(
        packages: BuildPackages,
        kernel: String,
        version: String,
        patience: Int = PackageJob.usualPatience,
        work: String = HostLayout.work
    ) {
        self.packages = packages
        self.kernel = kernel
        self.version = version
        self.patience = patience
        self.work = work
    }

    package static func jobName(_ version: String) -> String { StepID.buildPackages.jobName(for: version) }

    package var id: StepID { .buildPackages }
    package var title: String {
        packages.names.isEmpty
            ? "keep the packages for the build of the kernel modules"
            : "install \(packages.names.joined(separator: ", ")) with \(packages.installer.program)"
                + (packages.source.map { " from \($0.path)" } ?? "")
    }
    package var changes: String {
        packages.names.isEmpty
            ? "\(HostLayout.buildPackages)"
            : "the packages of the host, and \(HostLayout.buildPackages)"
    }
    private var job: PackageJob {
        PackageJob(
            name: Self.jobName(version),
            installer: packages.installer,
            record: HostLayout.buildPackages,
            patience: patience
        )
    }
    package var deadlineSeconds: Int { job.installDeadline }
    package var effects: [Effect] {
        let request = PackageRequest(names: packages.names, headers: packages.headers, kernel: kernel)
        guard let source = packages.source, !packages.names.isEmpty else { return job.install(request, work: work) }
        return job.install(request, from: source, work: work)
    }
    package var failure: StepFailure { .buildPackages(packages.installer, packages.names, kernel: kernel) }
    package var inverse: (any Operation)? {
        RemoveBuildPackages(installer: packages.installer, version: version, work: work)
    }
}

/// Removes the packages that the agent installed for the build, and its holds.
///
/// A package that others need by now stays.
package struct RemoveBuildPackages: Operation {
    package var installer: any PackageInstaller
    package var version: String
    /// The directory for temporary files, in which scripts of packages run.
    package var work: String

    package init(installer: any PackageInstaller, version: String, work: String = HostLayout.work) {
        self.installer = installer
        self.version = version
        self.work = work
    }

    package var id: StepID { .removeBuildPackages }
    package var title: String {
        "remove the packages that \(HostLayout.buildPackages) lists, with \(installer.program)"
    }
    package var changes: String { "the packages of the host, and \(HostLayout.buildPackages)" }
    private var job: PackageJob {
        PackageJob(
            name: StepID.removeBuildPackages.jobName(for: version),
            installer: installer,
            record: HostLayout.buildPackages
        )
    }
    package var deadlineSeconds: Int { job.removalDeadline }
    package var effects: [Effect] { job.remove(work: work) }
    package var failure: StepFailure {
        .packages(
            installer,
            .buildPackagesFailed,
            packages: StepFailure.buildPackageNoun,
            command: "gpu-agent uninstall"
        )
    }
}

extension StepID {
    package static let removeBuildPackages = StepID(rawValue: "remove-build-packages")
}

extension StepFailure {
    fileprivate static let buildPackageNoun = "the packages for the build of the kernel modules"

    /// The job that installs packages for the build failed.
    fileprivate static func buildPackages(
        _ installer: any PackageInstaller,
        _ names: [String],
        kernel: String
    ) -> StepFailure {
        let byHand = "Install \(names.joined(separator: " ")) on the node, or use a node image that has them."
        return .packages(
            installer,
            .buildPackagesFailed,
            packages: buildPackageNoun,
            remedy: names.isEmpty ? nil : byHand,
            exits: [
                ExitMeaning(
                    PackageScript.Exit.missing,
                    .buildPackageMissing,
                    expected: "a repository of the node with this package",
                    remedy: "Use a node image with a current kernel or with the headers of its kernel, or add a "
                        + "repository that has the package. Or keep it in a directory for driver.source: run "
                        + "'gpu-agent catalog mirror --kernel \(kernel)' where a repository still has it. The agent never "
                        + "uses the headers of another kernel."
                ),
                .packageFileMissing(),
                .dkmsBuildFailed(),
                ExitMeaning(
                    PackageScript.Exit.refused,
                    .buildPackagesFailed,
                    expected: "an install that only adds packages",
                    remedy: byHand
                ),
                ExitMeaning(
                    PackageScript.Exit.wrongHeaders,
                    .kernelHeadersMissing,
                    expected: "the headers of the kernel \(kernel)",
                    remedy: "Examine /lib/modules/\(kernel)/build on the node. "
                        + "Remove it when it is of another kernel, and run 'gpu-agent install'."
                ),
            ],
            command: "gpu-agent install"
        )
    }
}
