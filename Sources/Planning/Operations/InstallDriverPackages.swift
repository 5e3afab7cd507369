package import NodeModel
package import Selection

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
        patience: Int = InstallBuildPackages.usualPatience,
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
    package var deadlineSeconds: Int { patience + 1800 }
    package var effects: [Effect] {
        let command = PackageScript.install(
            packages.map(\.name),
            headers: nil,
            kernel: "",
            record: HostLayout.driverPackages,
            patience: patience,
            with: installer
        )
        // The driver must be the one of the decision, also when the repositories have a newer one by now.
        let pins = packages.map { "\($0.name)=\($0.version)" }.joined(separator: " ")
        let job = Effect.Job(
            name: Self.jobName(driver.version.description),
            command: command,
            environment: ["TMPDIR": work, "GPU_AGENT_PINS": pins],
            scratch: work
        )
        return [.makeDirectories([work]), .job(job)]
    }
    package var failure: StepFailure { .driverPackages(installer, command: "gpu-agent install") }
    package var inverse: (any Operation)? {
        RemoveDriverPackages(version: driver.version.description, installer: installer)
    }
    package var leaves: String? { "those of its packages that other packages need by then" }
}

/// Removes the packages that the agent installed with a driver of the distribution, and its holds.
///
/// A package that others need by now stays.
package struct RemoveDriverPackages: Operation {
    package var version: String
    package var installer: any PackageInstaller

    package init(version: String, installer: any PackageInstaller = AptGet()) {
        self.version = version
        self.installer = installer
    }

    package var id: StepID { .removeDriverPackages }
    package var title: String {
        "remove the driver \(version), whose packages \(HostLayout.driverPackages) lists, with \(installer.program)"
    }
    package var changes: String { "the packages of the host, and \(HostLayout.driverPackages)" }
    package var disrupts: Bool { true }
    package var changesDriver: Bool { true }
    package var deadlineSeconds: Int { InstallBuildPackages.usualPatience + 900 }
    package var effects: [Effect] {
        let command = PackageScript.remove(
            record: HostLayout.driverPackages,
            patience: InstallBuildPackages.usualPatience,
            with: installer
        )
        return [.job(Effect.Job(name: StepID.removeDriverPackages.jobName(for: version), command: command))]
    }
    package var failure: StepFailure { .driverPackages(installer, command: "gpu-agent uninstall") }
}

extension StepID {
    package static let removeDriverPackages = StepID(rawValue: "remove-driver-packages")
}

extension StepFailure {
    /// A job that installs or removes the packages of a driver failed.
    fileprivate static func driverPackages(_ installer: any PackageInstaller, command: String) -> StepFailure {
        let program = installer.program
        let byHand = "Run \(program) on the node, and correct what it reports. Then run '\(command)'."
        return StepFailure(
            .driverPackagesFailed,
            subject: program,
            remedy: byHand,
            exits: [
                ExitMeaning(
                    PackageScript.Exit.failed,
                    .driverPackagesFailed,
                    expected: "the packages of the driver",
                    remedy: byHand
                ),
                ExitMeaning(
                    PackageScript.Exit.busy,
                    .packageManagerBusy,
                    expected: "no other process that uses the package manager",
                    remedy: "Wait until this process ends. If it hangs, end it. Then run '\(command)'."
                ),
                ExitMeaning(
                    PackageScript.Exit.missing,
                    .prebuiltModulesMissing,
                    expected: "a repository of the node with these packages",
                    remedy:
                        "Add a repository that has the packages, or use a kernel for which the distribution has them. "
                        + "Or set 'driver.source: runfile' in the configuration."
                ),
                ExitMeaning(
                    PackageScript.Exit.refused,
                    .driverPackagesFailed,
                    expected: "an install that only adds packages",
                    remedy:
                        "Upgrade or remove the packages that are in the way yourself, or use a newer node image. Or "
                        + "set 'driver.source: runfile' in the configuration."
                ),
            ]
        )
    }
}
