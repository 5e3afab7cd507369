package import NodeModel
package import Selection

/// The decision for a node, and the steps that lead to it.
package struct Plan: Encodable, Sendable, Equatable {
    package var apiVersion: String
    package var kind: String
    package var decision: Decision
    /// The steps, in order; empty when there is nothing to do.
    package var steps: [PlannedStep]
    /// The findings of the preflight, which prevent the install.
    package var problems: [Finding]
    /// Why the agent could not build or install the modules for the kernel of the next boot, as a sentence; nil when it
    /// did not fail.
    package var aheadProblem: String?
    /// The files that the configuration is about and that the agent leaves alone, as sentences; nil when there are none.
    package var leftAlone: [String]?

    package init(decision: Decision, steps: [PlannedStep], problems: [Finding]) {
        apiVersion = NodeFacts.currentAPIVersion
        kind = "Plan"
        self.decision = decision
        self.steps = steps
        self.problems = problems
    }

    /// All obstacles: the findings that block the decision, and the findings of the preflight.
    package var obstacles: [Finding] { decision.problems + problems }

    /// Whether only the record of the end follows the verification, so that what it read holds after the last step.
    package var endsWithVerification: Bool { steps.suffix(2).map(\.id) == [.verify, .finish] }

    /// Whether the steps go back to the driver before a failed one.
    package var goesBack: Bool { decision.action == .install && decision.failed != nil }
}
