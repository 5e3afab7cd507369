package import GPUNode

/// Something the agent could not do: what people are told, and the error below it.
package struct AgentFailure: Error, Sendable, CustomStringConvertible {
    package var problem: Problem
    /// What else stands in the way, where several things do: a host is made right once, not once for each of them.
    package var others: [Problem]
    package var cause: (any Error)?

    package init(_ problem: Problem, others: [Problem] = [], cause: (any Error)? = nil) {
        self.problem = problem
        self.others = others
        self.cause = cause
    }

    package var description: String { "\(problem.code.rawValue): \(problem.observed)" }
}

/// An error with all that lie below it, each said once: `cannot open /x: no such file`.
package func errorChain(_ error: any Error) -> String {
    var parts: [String] = []
    var next: (any Error)? = error
    while let current = next {
        parts.append("\(current)")
        next = (current as? any CausedError)?.cause
    }
    return parts.joined(separator: ": ")
}

/// An error that knows the one below it.
package protocol CausedError: Error {
    var cause: (any Error)? { get }
}
