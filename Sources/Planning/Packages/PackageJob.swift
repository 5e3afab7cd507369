import NodeModel

/// A job of a package manager on the host: its script, how long it may take, and what its exit statuses mean.
///
/// The operations that install packages for the build and those that install a driver differ only in these values.
package struct PackageJob {
    var name: String
    var installer: any PackageInstaller
    /// The file on the host that keeps what was installed and what is held.
    var record: String
    /// How long the job waits for the lock of the package manager, in seconds.
    var patience = Self.usualPatience

    /// How long jobs wait for the lock of the package manager, in seconds.
    ///
    /// Unattended upgrades of a new node were observed to hold it for up to ten minutes.
    package static let usualPatience = 900

    /// How long a job may take that downloads or installs packages, in seconds.
    var installDeadline: Int { patience + 1800 }
    /// How long a job may take that removes packages, in seconds.
    var removalDeadline: Int { patience + 900 }

    /// The effects that bring packages to the host.
    ///
    /// - Parameters:
    ///   - request: The packages, and whether they are only downloaded.
    ///   - work: The directory for temporary files, in which scripts of packages run.
    /// - Returns: The job, and the directory that it needs.
    func install(_ request: PackageRequest, work: String) -> [Effect] {
        let job = Effect.Job(
            name: name,
            command: PackageScript.install(request, record: record, patience: patience, with: installer),
            environment: ["TMPDIR": work].merging(request.environment) { $1 },
            scratch: work
        )
        // An uninstall that was interrupted, and that this install takes back, can have removed the directory.
        return [.makeDirectories([work]), .job(job)]
    }

    /// The effects that install packages from a directory of the host.
    ///
    /// The agent verifies its own copies, so a file that changes in the directory later cannot be installed.
    func install(_ request: PackageRequest, from source: BuildPackages.Source, work: String) -> [Effect] {
        source.copied(to: "\(work)/packages") { directory in
            var request = request
            request.directory = directory
            return install(request, work: work)
        }
    }

    /// The effects that refresh the package index.
    ///
    /// - Parameter work: The directory for temporary files.
    /// - Returns: The job, and the directory that it needs.
    func refresh(work: String) -> [Effect] {
        run(PackageScript.refresh(record: record, patience: patience, with: installer), work: work)
    }

    /// The effects that remove the packages and the holds in the record.
    ///
    /// - Parameter work: The directory for temporary files, in which scripts of packages run.
    /// - Returns: The job, and the directory that it needs and that goes afterwards.
    func remove(work: String) -> [Effect] {
        run(PackageScript.remove(record: record, patience: patience, with: installer), work: work) + [.remove([work])]
    }

    private func run(_ command: [String], work: String) -> [Effect] {
        let job = Effect.Job(name: name, command: command, environment: ["TMPDIR": work], scratch: work)
        return [.makeDirectories([work]), .job(job)]
    }
}

/// The packages that a job asks a package manager for.
struct PackageRequest {
    /// The names of the packages.
    ///
    /// Packages that the host has already are left alone.
    var names: [String]
    /// The package among them that has the headers of a kernel; nil when it is not asked for.
    var headers: String?
    /// The release of the kernel whose headers are asked for; empty when they are not asked for.
    var kernel = ""
    /// The packages with the only versions that may be installed; empty for the versions of the package manager.
    var pins: [OfferedPackage] = []
    /// Whether the headers are of a kernel that does not run yet, so that the running kernel keeps its own.
    var isAhead = false
    /// Whether a driver is there that is not from packages, so that no package of a driver may be added.
    var isBesideDriver = false
    /// The directory with the only packages that count, for a node without a network; nil for the repositories.
    var directory: String?
    /// The directory in which the files of the packages stay; nil to leave them to the package manager.
    var kept: String?
    /// The directory in which an earlier job kept the files, from which this one installs; nil for the repositories.
    var files: String?
    /// The packages of the agent that give way to those that are asked for.
    ///
    /// With them, the transaction may change the packages that the record names, and no others.
    var replaced: [String] = []
    /// The directory that must have the files of those packages before something stops; nil when no way back needs them.
    var former: String?
    /// How far the job goes, and what was there before it.
    var stage = Stage.all

    enum Stage {
        /// Everything: it refreshes the index, looks at the transaction and installs.
        case all
        /// It refreshes the index, looks at the transaction and downloads the packages. It installs nothing.
        case download
        /// It installs packages that a job with `download` brought to the host.
        case installDownloaded
    }

    /// What the script reads from its environment.
    var environment: [String: String] {
        var values: [String: String] = [:]
        if !pins.isEmpty { values["GPU_AGENT_PINS"] = pins.map { "\($0.name)=\($0.version)" }.joined(separator: " ") }
        if let directory { values["GPU_AGENT_BUNDLE"] = directory }
        if let kept { values["GPU_AGENT_KEPT"] = kept }
        if let files { values["GPU_AGENT_FILES"] = files }
        if !replaced.isEmpty { values["GPU_AGENT_REPLACES"] = replaced.joined(separator: " ") }
        if let former { values["GPU_AGENT_FORMER"] = former }
        if isBesideDriver { values["GPU_AGENT_BESIDE_DRIVER"] = "yes" }
        if isAhead { values["GPU_AGENT_AHEAD"] = "yes" }
        if stage == .installDownloaded { values["GPU_AGENT_DOWNLOADED"] = "yes" }
        return values
    }
}

extension StepFailure {
    /// A job of a package manager failed.
    ///
    /// - Parameters:
    ///   - installer: The package manager.
    ///   - code: The code of a failure that has none of its own.
    ///   - packages: The packages, as a noun: `the packages of the driver`.
    ///   - remedy: What to do when the job ends in no way that is known; nil for the usual remedy.
    ///   - exits: The statuses that only this job has. A removal has none.
    ///   - command: The command of the agent that continues.
    /// - Returns: What the agent reports, with the statuses that every job has.
    static func packages(
        _ installer: any PackageInstaller,
        _ code: ReasonCode,
        packages: String,
        remedy: String? = nil,
        exits: [ExitMeaning] = [],
        command: String
    ) -> StepFailure {
        let usual = "Run \(installer.program) on the node, and correct what it reports. Then run '\(command)'."
        let always = [
            ExitMeaning(PackageScript.Exit.failed, code, expected: packages, remedy: usual),
            ExitMeaning(
                PackageScript.Exit.busy,
                .packageManagerBusy,
                expected: "no other process that uses the package manager",
                remedy: "Wait until this process ends. If it hangs, end it. Then run '\(command)'."
            ),
        ]
        return StepFailure(code, subject: installer.program, remedy: remedy ?? usual, exits: always + exits)
    }
}

extension ExitMeaning {
    /// DKMS could not build a module for the headers, so the script of their package failed.
    ///
    /// `next` is the command that goes on after that.
    static func dkmsBuildFailed(
        _ code: ReasonCode = .dkmsBuildFailed,
        next: String = "gpu-agent install"
    ) -> ExitMeaning {
        ExitMeaning(
            PackageScript.Exit.dkms,
            code,
            expected: "a host on which DKMS can build every module that it knows",
            remedy:
                "Read /var/lib/dkms/MODULE/VERSION/build/make.log on the node. If nothing needs this module any more, run "
                + "'dkms remove MODULE/VERSION --all', which also removes it for the other kernels. Otherwise, install a "
                + "version of it that supports the kernel. Then run '\(next)'."
        )
    }

    /// The index of a repository names a package that the server does not have.
    static func packageFileMissing() -> ExitMeaning {
        ExitMeaning(
            PackageScript.Exit.gone,
            .packageFileMissing,
            expected: "a repository with every package that its index names",
            remedy:
                "Run 'gpu-agent install' again, which refreshes the index. If the finding stays, the mirror is incomplete or "
                + "its index is old: use another mirror, or wait until this one is complete."
        )
    }
}
