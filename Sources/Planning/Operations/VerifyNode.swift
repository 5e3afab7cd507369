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
