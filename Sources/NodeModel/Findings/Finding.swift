/// One checked statement about a node.
package struct Finding: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable, CaseIterable {
        case pass
        /// Worth knowing; the node works.
        case warning
        case failed
        /// It could not be told.
        case unknown
        /// It does not apply to this node.
        case notApplicable
        /// Nobody looked, on purpose.
        case skipped
    }

    /// The stable name of what the statement is about: what is wrong when it fails.
    package var code: ReasonCode
    package var state: State
    /// The statement, for people: `one driver version on the host`.
    package var title: String
    package var observed: String
    package var expected: String
    /// What to do; empty when there is nothing to do.
    package var remedy: String

    package init(
        _ code: ReasonCode,
        _ state: State,
        _ title: String,
        observed: String,
        expected: String,
        remedy: String = ""
    ) {
        self.code = code
        self.state = state
        self.title = title
        self.observed = observed
        self.expected = expected
        self.remedy = remedy
    }
}
