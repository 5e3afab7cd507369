/// One checked statement about a node: what a check found out, or what stands in the way of a decision or a step.
package struct Finding: Sendable, Equatable {
    package enum State: String, Codable, Sendable, CaseIterable {
        case pass
        /// The node works, and not as it should: the verdict is `degraded`.
        case warning
        /// Worth knowing; the verdict does not change.
        case notice
        case failed
        /// The agent could not tell.
        case unknown
        /// The check does not apply to this node.
        case notApplicable
        /// The agent did not look, on purpose.
        case skipped
    }

    /// The stable name of what the statement is about: what is wrong when it fails.
    package var code: ReasonCode
    package var state: State
    /// The statement that holds when all is well, for people: `the host has one driver version`.
    ///
    /// Empty until a report takes the finding up: the title stands in the registry of checks.
    package var title: String
    package var observed: String
    package var expected: String
    /// What to do about it; `none` when there is nothing to do.
    package var remedy: Remedy

    package init(
        _ code: ReasonCode,
        _ state: State = .failed,
        observed: String,
        expected: String,
        remedy: Remedy = .none
    ) {
        self.code = code
        self.state = state
        title = ""
        self.observed = observed
        self.expected = expected
        self.remedy = remedy
    }

    /// A finding whose remedy is a text.
    package init(
        _ code: ReasonCode,
        _ state: State = .failed,
        observed: String,
        expected: String,
        remedy: String
    ) {
        self.init(code, state, observed: observed, expected: expected, remedy: Remedy(remedy))
    }
}

extension Finding: Codable {
    private enum Key: String, CodingKey {
        case code, state, title, observed, expected, remedy, remedyCommand, remedyLink
    }

    /// Reads findings of every version: the first one wrote obstacles without a state and a title.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let code = try container.decode(ReasonCode.self, forKey: .code)
        self.init(
            code,
            try container.decodeIfPresent(State.self, forKey: .state) ?? .failed,
            observed: try container.decode(String.self, forKey: .observed),
            expected: try container.decode(String.self, forKey: .expected),
            remedy: Remedy(
                try container.decode(String.self, forKey: .remedy),
                command: try container.decodeIfPresent(String.self, forKey: .remedyCommand),
                link: try container.decodeIfPresent(String.self, forKey: .remedyLink)
            )
        )
        title = try container.decodeIfPresent(String.self, forKey: .title) ?? ""
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(code, forKey: .code)
        try container.encode(state, forKey: .state)
        if !title.isEmpty { try container.encode(title, forKey: .title) }
        try container.encode(observed, forKey: .observed)
        try container.encode(expected, forKey: .expected)
        try container.encode(remedy.text, forKey: .remedy)
        try container.encodeIfPresent(remedy.command, forKey: .remedyCommand)
        try container.encodeIfPresent(remedy.link, forKey: .remedyLink)
    }
}
