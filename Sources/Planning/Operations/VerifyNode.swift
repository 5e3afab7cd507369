package import NodeModel

/// Looks at the node again and judges it.
package struct VerifyNode: Operation {
    package init() {}

    package var id: StepID { .verify }
    package var title: String { "look at the node again and check it" }
    package var changes: String { "nothing" }
    package var deadlineSeconds: Int { 300 }
    package var effects: [Effect] { [.verify] }
    package var failure: StepFailure { StepFailure(.installFailed, subject: "the check of the node") }
}
