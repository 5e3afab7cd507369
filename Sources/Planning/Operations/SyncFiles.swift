package import NodeModel

/// Has the host write the file system of the driver to the disk.
///
/// Without it a power failure soon after an install can leave a driver of empty files that the journal calls installed.
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
            subject: "sync",
            remedy: "look at the kernel log of the node for errors of the disk (dmesg), then gpu-agent install"
        )
    }
}

extension StepID {
    package static let sync = StepID(rawValue: "sync")
}
