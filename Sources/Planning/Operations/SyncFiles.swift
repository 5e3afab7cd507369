package import NodeModel

/// Writes the file system of the driver to the disk.
///
/// Without this operation, a power failure soon after an install can leave a driver with empty files, although the
/// journal says that it is installed.
package struct SyncFiles: Operation {
    package init() {}

    package var id: StepID { .sync }
    package var title: String { "write the driver to the disk" }
    package var changes: String { "nothing" }
    package var deadlineSeconds: Int { 300 }
    package var effects: [Effect] { [.run([["sync", "-f", "/usr"]])] }
    package var failure: StepFailure {
        StepFailure(
            .installFailed,
            subject: "writing the driver to the disk",
            remedy: "Read the kernel log of the node (dmesg) and look for disk errors. Then run 'gpu-agent install'."
        )
    }
}

extension StepID {
    package static let sync = StepID(rawValue: "sync")
}
