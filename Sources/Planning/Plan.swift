package import NodeModel
package import Selection

/// What the agent would do on a node now.
package struct Plan: Encodable, Sendable, Equatable {
    package var apiVersion: String
    package var kind: String
    package var decision: Decision
    /// In order; empty when there is nothing to do.
    package var steps: [PlannedStep]
    /// What keeps the host from taking the driver now: the preflight's findings.
    package var problems: [Finding]

    package init(decision: Decision, steps: [PlannedStep], problems: [Finding]) {
        apiVersion = NodeFacts.currentAPIVersion
        kind = "Plan"
        self.decision = decision
        self.steps = steps
        self.problems = problems
    }

    /// Everything in the way: what blocks the decision, and what the preflight found.
    package var obstacles: [Finding] { decision.problems + problems }
}
