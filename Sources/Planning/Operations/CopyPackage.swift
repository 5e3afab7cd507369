package import Catalog
package import NodeModel
package import Support

/// Copies a driver package from a directory of the host, and verifies its checksum during the copy.
///
/// The installer runs from the copy. A file that another program changes later cannot be installed.
package struct CopyPackage: Operation {
    package var artifact: Artifact
    package var digest: Checksum
    /// The directory on the host that has the package.
    package var source: String
    /// Whether the agent kept the package, so that the copy only verifies it.
    package var isKept: Bool

    package init(artifact: Artifact, digest: Checksum, source: String, isKept: Bool = false) {
        self.artifact = artifact
        self.digest = digest
        self.source = source
        self.isKept = isKept
    }

    package var id: StepID { .copy }
    package var title: String {
        isKept ? "verify the kept package \(artifact.fileName)" : "copy \(artifact.fileName) from \(source)"
    }
    package var changes: String { "\(HostLayout.packages)/\(artifact.fileName)" }
    package var deadlineSeconds: Int { 1800 }
    package var effects: [Effect] {
        [
            .copy(
                Effect.Copy(
                    source: source,
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
            .installFailed,
            subject: "the copy of the driver package",
            remedy: "Check that the agent can write to \(HostLayout.packages) on the node, and that no other process "
                + "uses this directory. Then run 'gpu-agent install'."
        )
    }
    package var inverse: (any Operation)? { RemovePackage(fileName: artifact.fileName) }
}
