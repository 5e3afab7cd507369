package import NodeModel

/// Installs the package with the prebuilt modules for a kernel that is installed and does not run yet.
///
/// The driver stays as it is. The package is in the record of the driver's packages, whose removal undoes this step, too.
package struct InstallModulesAhead: Operation {
    package var installer: any PackageInstaller
    /// The package with the modules, in the only version that may be installed.
    package var modules: OfferedPackage
    /// The release of the kernel that the modules are for.
    package var kernel: String
    /// The version of the installed driver, for the name of the job.
    package var version: String
    /// The directory for temporary files, in which scripts of packages run.
    package var work: String

    package init(
        installer: any PackageInstaller,
        modules: OfferedPackage,
        kernel: String,
        version: String,
        work: String = HostLayout.work
    ) {
        self.installer = installer
        self.modules = modules
        self.kernel = kernel
        self.version = version
        self.work = work
    }

    /// The job that installs the modules of a driver version for a kernel.
    static func jobName(_ version: String, kernel: String) -> String {
        StepID.modulesAhead.jobName(for: "\(version)-\(kernel)")
    }

    package var jobName: String { Self.jobName(version, kernel: kernel) }

    private var job: PackageJob {
        PackageJob(name: jobName, installer: installer, record: HostLayout.driverPackages)
    }

    package var id: StepID { .modulesAhead }
    package var title: String { "install \(modules.name) with \(installer.program) for the next boot" }
    package var changes: String { "the packages of the host, and \(HostLayout.driverPackages)" }
    package var deadlineSeconds: Int { job.installDeadline }
    package var effects: [Effect] {
        let request = PackageRequest(names: [modules.name], pins: [modules])
        return job.install(request, work: work) + [.remove([work]), .forgetJobs([jobName])]
    }

    /// The driver works without this package, so every failure but a lock has the code of a preparation for the next boot.
    package var failure: StepFailure {
        let byHand = "Before the reboot, install \(modules.name) on the node, for the driver \(version)."
        let statuses = [
            (PackageScript.Exit.missing, "a repository of the node with this package in this version"),
            (PackageScript.Exit.refused, "an install that only adds packages"),
            (PackageScript.Exit.gone, "a repository with every package that its index names"),
        ]
        return .packages(
            installer,
            .buildAheadFailed,
            packages: modules.name,
            remedy: byHand,
            exits: statuses.map { ExitMeaning($0, .buildAheadFailed, expected: $1, remedy: byHand) },
            command: "gpu-agent install"
        )
    }
}
