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
        patience: Int = Self.usualPatience,
        work: String = HostLayout.work
    ) {
        self.packages = packages
        self.kernel = kernel
        self.version = version
        self.patience = patience
        self.work = work
    }

    /// How long jobs wait for the lock of the package manager, in seconds.
    ///
    /// Unattended upgrades of a new node were observed to hold it for up to ten minutes.
    package static let usualPatience = 900

    package static func jobName(_ version: String) -> String { StepID.buildPackages.jobName(for: version) }

    package var id: StepID { .buildPackages }
    package var title: String {
        packages.names.isEmpty
            ? "keep the packages for the build of the kernel modules"
            : "install \(packages.names.joined(separator: ", ")) with \(packages.installer.program)"
    }
    package var changes: String {
        packages.names.isEmpty
            ? "\(HostLayout.buildPackages)"
            : "the packages of the host, and \(HostLayout.buildPackages)"
    }
    package var deadlineSeconds: Int { patience + 1800 }
    package var effects: [Effect] {
        let command = PackageScript.install(
            packages.names,
            headers: packages.headers,
            kernel: kernel,
            record: HostLayout.buildPackages,
            patience: patience,
            with: packages.installer
        )
        let job = Effect.Job(
            name: Self.jobName(version),
            command: command,
            environment: ["TMPDIR": work],
            scratch: work
        )
        // An uninstall that was interrupted, and that this install takes back, can have removed the directory.
        return [.makeDirectories([work]), .job(job)]
    }
    package var failure: StepFailure { .packages(packages.installer, packages.names, kernel: kernel) }
    package var inverse: (any Operation)? { RemoveBuildPackages(installer: packages.installer, version: version) }
}

/// Removes the packages that the agent installed for the build, and its holds.
///
/// A package that others need by now stays.
package struct RemoveBuildPackages: Operation {
    package var installer: any PackageInstaller
    package var version: String

    package init(installer: any PackageInstaller, version: String) {
        self.installer = installer
        self.version = version
    }

    package var id: StepID { .removeBuildPackages }
    package var title: String {
        "remove the packages that \(HostLayout.buildPackages) lists, with \(installer.program)"
    }
    package var changes: String { "the packages of the host, and \(HostLayout.buildPackages)" }
    package var deadlineSeconds: Int { InstallBuildPackages.usualPatience + 900 }
    package var effects: [Effect] {
        let command = PackageScript.remove(
            record: HostLayout.buildPackages,
            patience: InstallBuildPackages.usualPatience,
            with: installer
        )
        return [.job(Effect.Job(name: StepID.removeBuildPackages.jobName(for: version), command: command))]
    }
    package var failure: StepFailure { .packages(installer, [], kernel: "", command: "gpu-agent uninstall") }
}

extension StepID {
    package static let removeBuildPackages = StepID(rawValue: "remove-build-packages")
}

extension StepFailure {
    /// A job of a package manager failed.
    static func packages(
        _ installer: any PackageInstaller,
        _ names: [String],
        kernel: String,
        command: String = "gpu-agent install"
    ) -> StepFailure {
        let byHand = "Install \(names.joined(separator: " ")) on the node, or use a node image that has them."
        let exits: [ExitMeaning] = [
            ExitMeaning(
                PackageScript.Exit.failed,
                .buildPackagesFailed,
                expected: "the packages for the build of the kernel modules",
                remedy: "Run \(installer.program) on the node, and correct what it reports. "
                    + "Then run '\(command)'."
            ),
            ExitMeaning(
                PackageScript.Exit.busy,
                .packageManagerBusy,
                expected: "no other process that uses the package manager",
                remedy: "Wait until this process ends. If it hangs, end it. Then run '\(command)'."
            ),
            ExitMeaning(
                PackageScript.Exit.missing,
                .buildPackageMissing,
                expected: "a repository of the node with this package",
                remedy: "Use a node image with a current kernel or with the headers of its kernel, or add a "
                    + "repository that has the package. The agent never uses the headers of another kernel."
            ),
            ExitMeaning(
                PackageScript.Exit.refused,
                .buildPackagesFailed,
                expected: "an install that only adds packages",
                remedy: byHand
            ),
            ExitMeaning(
                PackageScript.Exit.wrongHeaders,
                .kernelHeadersMissing,
                expected: "the headers of the running kernel \(kernel)",
                remedy: "Examine /lib/modules/\(kernel)/build on the node. "
                    + "Remove it when it is of another kernel, and run 'gpu-agent install'."
            ),
        ]
        return StepFailure(
            .buildPackagesFailed,
            subject: installer.program,
            remedy: names.isEmpty ? "Run \(installer.program) on the node, and correct what it reports." : byHand,
            // A removal can only fail, or wait too long.
            exits: names.isEmpty && kernel.isEmpty ? Array(exits.prefix(2)) : exits
        )
    }
}
