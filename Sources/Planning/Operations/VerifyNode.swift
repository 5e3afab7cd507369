package import NodeModel

/// Reads the facts of the node again and runs the checks.
package struct VerifyNode: Operation {
    package init() {}

    package var id: StepID { .verify }
    package var title: String { "check the node" }
    package var changes: String { "nothing" }
    package var deadlineSeconds: Int { 300 }
    package var effects: [Effect] { [.verify] }
    package var failure: StepFailure { StepFailure(.installFailed, subject: "checking the node") }
}

/// Reads the facts of the node again and checks that no part of a driver is left.
package struct VerifyRemoval: Operation {
    package init() {}

    package var id: StepID { .verify }
    package var title: String { "check that the driver is gone" }
    package var changes: String { "nothing" }
    package var deadlineSeconds: Int { 300 }
    package var effects: [Effect] { [.verify] }
    package var failure: StepFailure {
        StepFailure(
            .driverRemovalFailed,
            subject: "checking the removal",
            remedy: "Run 'gpu-agent uninstall'."
        )
    }
}
