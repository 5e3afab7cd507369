package import NodeModel
import Support

/// An operation of the agent that failed, as the findings that it reports.
package struct AgentFailure: CausedError, Sendable {
    /// Why it failed.
    ///
    /// `observed` already has the whole error chain.
    package var problem: Finding
    /// Other findings that prevent the operation, so that an operator can fix all of them at once.
    package var others: [Finding]

    package init(_ problem: Finding, others: [Finding] = []) {
        self.problem = problem
        self.others = others
    }

    package var cause: (any Error)? { nil }

    package var description: String { "\(problem.code.rawValue): \(problem.observed)" }
}
