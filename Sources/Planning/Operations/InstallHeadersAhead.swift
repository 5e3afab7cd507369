package import NodeModel

/// Installs the headers of a kernel that is installed and does not run yet, and the compiler of this kernel, so that the
/// agent can build for it.
///
/// The packages are in the record of the packages for the build, whose removal undoes this step, too.
package struct InstallHeadersAhead: Operation {
    package var installer: any PackageInstaller
    /// The package with the headers; nil when the host has them.
    package var headers: String?
    /// The package with the compiler of the kernel; nil when the build needs no other one than the host has.
    package var compiler: String?
    /// The release of the kernel that the headers are for.
    package var kernel: String
    /// The version of the installed driver, for the name of the job.
    package var version: String
    /// The directory for temporary files, in which scripts of packages run.
    package var work: String
    /// The directory that has the package, for a node without a network; nil for the repositories of the node.
    package var source: BuildPackages.Source?

    package init(
        installer: any PackageInstaller,
        headers: String?,
        compiler: String? = nil,
        kernel: String,
        version: String,
        work: String = HostLayout.work,
        source: BuildPackages.Source? = nil
    ) {
        self.installer = installer
        self.headers = headers
        self.compiler = compiler
        self.kernel = kernel
        self.version = version
        self.work = work
        self.source = source
    }

    /// The job that installs the headers of this kernel.
    package var jobName: String { Self.jobName(version, kernel: kernel) }

    static func jobName(_ version: String, kernel: String) -> String {
        StepID.headersAhead.jobName(for: "\(version)-\(kernel)")
    }

    /// The packages, the headers first.
    package var names: [String] { [headers, compiler].compactMap(\.self) }

    private var job: PackageJob {
        PackageJob(name: jobName, installer: installer, record: HostLayout.buildPackages)
    }

    package var id: StepID { .headersAhead }
    package var title: String {
        "install \(names.joined(separator: ", ")) with \(installer.program)"
            + "\(source.map { " from \($0.path)" } ?? "") for the next boot"
    }
    package var changes: String { "the packages of the host, and \(HostLayout.buildPackages)" }
    package var deadlineSeconds: Int { job.installDeadline }
    package var effects: [Effect] {
        let request = PackageRequest(names: names, headers: headers, kernel: kernel, isAhead: true)
        let install = source.map { job.install(request, from: $0, work: work) } ?? job.install(request, work: work)
        return install + [.remove([work]), .forgetJobs([jobName])]
    }

    /// The driver works without these packages, so every failure but a lock has the code of a build ahead of a boot.
    package var failure: StepFailure {
        let all = names.joined(separator: " and ")
        let byHand = "Install \(all) on the node, so that the agent can build the kernel modules before the reboot."
        let statuses = [
            (PackageScript.Exit.missing, "a repository of the node with this package"),
            (PackageScript.Exit.refused, "an install that only adds packages"),
            (PackageScript.Exit.wrongHeaders, "the headers of the kernel \(kernel)"),
            (PackageScript.Exit.gone, "a repository with every package that its index names"),
        ]
        return .packages(
            installer,
            .buildAheadFailed,
            packages: all,
            remedy: byHand,
            exits: statuses.map { ExitMeaning($0, .buildAheadFailed, expected: $1, remedy: byHand) }
                + [.dkmsBuildFailed(.buildAheadFailed, next: "dkms autoinstall -k \(kernel)")],
            command: "gpu-agent install"
        )
    }
}
