package import NodeModel

/// Something the agent could not do: what people are told, and the error below it.
package struct AgentFailure: Error, Sendable, CustomStringConvertible {
    package var problem: Finding
    /// What else stands in the way, where several things do: a host is made right once, not once for each of them.
    package var others: [Finding]
    package var cause: (any Error)?

    package init(_ problem: Finding, others: [Finding] = [], cause: (any Error)? = nil) {
        self.problem = problem
        self.others = others
        self.cause = cause
    }

    package var description: String { "\(problem.code.rawValue): \(problem.observed)" }
}
