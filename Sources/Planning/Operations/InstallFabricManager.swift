package import Catalog
package import NodeModel
package import Support

/// Brings NVIDIA's archive with the fabric manager to the host, and verifies its checksum.
///
/// It comes before everything that stops what runs. So it also looks for what would make the install from the archive
/// fail: a missing program, or a file of somebody else in the place of one of its files.
package struct DownloadFabricManager: Operation {
    /// The version of the driver, for the name of the job.
    package var version: String
    package var archive: Artifact
    package var digest: Checksum
    /// The directory of the host that has the archive; nil for the URLs of the catalog.
    package var source: String?
    /// Whether the agent kept the archive, so that the step only verifies it.
    package var isKept: Bool

    package init(
        version: String,
        archive: Artifact,
        digest: Checksum,
        source: String? = nil,
        isKept: Bool = false
    ) {
        self.isKept = isKept
        self.version = version
        self.archive = archive
        self.digest = digest
        self.source = source
    }

    package var id: StepID { .downloadFabricManager }
    package var title: String {
        if isKept { return "verify the kept archive \(archive.fileName)" }
        return source.map { "copy \(archive.fileName) from \($0)" } ?? "download \(archive.fileName)"
    }
    package var changes: String { "\(HostLayout.packages)/\(archive.fileName)" }
    package var deadlineSeconds: Int { 600 }
    package var effects: [Effect] {
        let check = Effect.Job(
            name: StepID.downloadFabricManager.jobName(for: version),
            command: [
                "sh", "-c", FabricManagerScript.check, "check-fabric-manager",
                "\(HostLayout.packages)/\(archive.fileName)", HostLayout.fabricManager,
            ]
        )
        return [transfer, .job(check)]
    }
    private var transfer: Effect {
        if let source {
            return .copy(
                Effect.Copy(
                    source: source,
                    directory: HostLayout.packages,
                    fileName: archive.fileName,
                    digest: digest,
                    size: archive.size
                )
            )
        }
        return .download(
            Effect.Download(
                urls: archive.urls,
                directory: HostLayout.packages,
                fileName: archive.fileName,
                digest: digest,
                size: archive.size
            )
        )
    }
    package var failure: StepFailure {
        StepFailure(
            source == nil ? .downloadFailed : .installFailed,
            subject: source == nil ? "the download of the fabric manager" : "the copy of the fabric manager",
            remedy:
                "Check that the agent can write to \(HostLayout.packages) on the node. Then run 'gpu-agent install'.",
            exits: [.fabricManager("gpu-agent install")]
        )
    }
    package var inverse: (any Operation)? { RemovePackage(fileName: archive.fileName) }
}

/// Installs the fabric manager from NVIDIA's archive, in the places that NVIDIA's packages use.
///
/// The job records each file with its checksum before it writes the first one. It replaces only files that it recorded
/// before and that nobody has changed.
package struct InstallFabricManager: Operation {
    package var version: String
    package var fileName: String
    /// The directory for temporary files.
    package var work: String
    /// Whether the archive stays on the host, for the last step of an install to decide about it.
    package var leavesArchive: Bool

    package init(
        version: String,
        fileName: String,
        work: String = HostLayout.work,
        leavesArchive: Bool = false
    ) {
        self.version = version
        self.fileName = fileName
        self.work = work
        self.leavesArchive = leavesArchive
    }

    package static func jobName(_ version: String) -> String { StepID.installFabricManager.jobName(for: version) }

    package var id: StepID { .installFabricManager }
    package var title: String { "install the fabric manager \(version) from \(fileName)" }
    package var changes: String { "/usr/bin, /usr/share/nvidia/nvswitch, its unit, and \(HostLayout.fabricManager)" }
    package var deadlineSeconds: Int { 300 }
    package var effects: [Effect] {
        let job = Effect.Job(
            name: Self.jobName(version),
            command: [
                "sh", "-c", FabricManagerScript.install, "install-fabric-manager",
                "\(HostLayout.packages)/\(fileName)", HostLayout.fabricManager, version,
            ],
            environment: ["TMPDIR": work]
        )
        // While the directory exists, the udev rule of the agent does nothing.
        let archive = leavesArchive ? [] : ["\(HostLayout.packages)/\(fileName)"]
        return [.makeDirectories([work]), .job(job), .remove(archive + [work])]
    }
    package var failure: StepFailure { .fabricManager("gpu-agent install") }
    package var inverse: (any Operation)? { RemoveFabricManager(version: version) }
}

/// Removes the files of the fabric manager that the agent installed from NVIDIA's archive.
///
/// A file that somebody has changed stays.
package struct RemoveFabricManager: Operation {
    package var version: String

    package init(version: String) {
        self.version = version
    }

    package var id: StepID { .removeFabricManager }
    package var title: String { "remove the fabric manager, whose files \(HostLayout.fabricManager) lists" }
    package var changes: String { "/usr/bin, /usr/share/nvidia/nvswitch, its unit, and \(HostLayout.fabricManager)" }
    package var disrupts: Bool { true }
    package var deadlineSeconds: Int { 120 }
    package var effects: [Effect] {
        let job = Effect.Job(
            name: StepID.removeFabricManager.jobName(for: version),
            command: ["sh", "-c", FabricManagerScript.remove, "remove-fabric-manager", HostLayout.fabricManager]
        )
        return [.job(job)]
    }
    package var failure: StepFailure { .fabricManager("gpu-agent uninstall") }
}

extension StepFailure {
    /// A job that writes or removes the files of the fabric manager failed.
    fileprivate static func fabricManager(_ command: String) -> StepFailure {
        let meaning = ExitMeaning.fabricManager(command)
        return StepFailure(
            .fabricPackagesFailed,
            subject: "the script for the fabric manager's archive",
            remedy: meaning.remedy,
            exits: [meaning]
        )
    }
}

extension ExitMeaning {
    /// What the exit status of a script for the archive means.
    fileprivate static func fabricManager(_ command: String) -> ExitMeaning {
        ExitMeaning(
            FabricManagerScript.failed,
            .fabricPackagesFailed,
            expected: "the files of the fabric manager in the places of NVIDIA's packages",
            remedy: "Correct what the finding says on the node, and run '\(command)'."
        )
    }
}
