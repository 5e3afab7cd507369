package import Catalog
package import NodeModel
package import Support

/// Fetches a driver package, verified while it streams.
package struct DownloadPackage: Operation {
    package var artifact: Artifact
    package var digest: Checksum

    package init(artifact: Artifact, digest: Checksum) {
        self.artifact = artifact
        self.digest = digest
    }

    package var id: StepID { .download }
    package var title: String { "download \(artifact.fileName)" }
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
            )
        ]
    }
    package var failure: StepFailure {
        StepFailure(
            .downloadFailed,
            subject: "the download",
            remedy: "look at \(HostLayout.packages) on the node, then gpu-agent install"
        )
    }
    package var inverse: (any Operation)? { RemovePackage(fileName: artifact.fileName) }
}

/// Removes a driver package, and the part of it that came before a download was cut off.
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
    package var failure: StepFailure { .state }
}

extension StepID {
    package static let removePackage = StepID(rawValue: "remove-package")
}
