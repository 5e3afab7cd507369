package import Catalog
package import NodeModel
package import Support

/// Downloads a driver package, and verifies its checksum during the download.
package struct DownloadPackage: Operation {
    package var artifact: Artifact
    package var digest: Checksum
    /// Whether the agent kept the package, so that the download only verifies it.
    package var isKept: Bool

    package init(artifact: Artifact, digest: Checksum, isKept: Bool = false) {
        self.artifact = artifact
        self.digest = digest
        self.isKept = isKept
    }

    package var id: StepID { .download }
    package var title: String {
        isKept ? "verify the kept package \(artifact.fileName)" : "download \(artifact.fileName)"
    }
    package var changes: String { "\(HostLayout.packages)/\(artifact.fileName)" }
    package var deadlineSeconds: Int { 1800 }
    package var effects: [Effect] {
        [
            .download(
                Effect.Download(
                    urls: artifact.urls,
                    directory: HostLayout.packages,
                    fileName: artifact.fileName,
                    digest: digest,
                    size: artifact.size
                )
            ),
            // An uninstall that was interrupted, and that this install takes back, can have removed the directory.
            .makeDirectories([HostLayout.work]),
        ]
    }
    package var failure: StepFailure {
        StepFailure(
            .downloadFailed,
            subject: "the download",
            remedy: "Check that the agent can write to \(HostLayout.packages) on the node, and that no other process "
                + "uses this directory. Then run 'gpu-agent install'."
        )
    }
    package var inverse: (any Operation)? { RemovePackage(fileName: artifact.fileName) }
}

/// Removes a driver package, and the partial file of an interrupted download.
package struct RemovePackage: Operation {
    package var fileName: String

    package init(fileName: String) {
        self.fileName = fileName
    }

    package var id: StepID { .removePackage }
    package var title: String { "remove \(fileName)" }
    package var changes: String { "\(HostLayout.packages)/\(fileName)" }
    package var deadlineSeconds: Int { 30 }
    package var effects: [Effect] { [.remove([changes, "\(changes).partial"])] }
    package var failure: StepFailure { .uninstall }
}

extension StepID {
    package static let removePackage = StepID(rawValue: "remove-package")
}
