/// One checked statement about a node: what a check found out, or what stands in the way of a decision or a step.
package struct Finding: Sendable, Equatable {
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
    /// The statement that holds when all is well, for people: `one driver version on the host`.
    package var title: String
    package var observed: String
    package var expected: String
    /// What to do about it; `none` when there is nothing to do.
    package var remedy: Remedy

    /// Without a title the finding has the title of its code.
    package init(
        _ code: ReasonCode,
        _ state: State = .failed,
        title: String? = nil,
        observed: String,
        expected: String,
        remedy: Remedy = .none
    ) {
        self.code = code
        self.state = state
        self.title = title ?? code.title
        self.observed = observed
        self.expected = expected
        self.remedy = remedy
    }

    /// A finding whose remedy is a text.
    package init(
        _ code: ReasonCode,
        _ state: State = .failed,
        title: String? = nil,
        observed: String,
        expected: String,
        remedy: String
    ) {
        let remedy = Remedy(remedy)
        self.init(code, state, title: title, observed: observed, expected: expected, remedy: remedy)
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
            title: try container.decodeIfPresent(String.self, forKey: .title),
            observed: try container.decode(String.self, forKey: .observed),
            expected: try container.decode(String.self, forKey: .expected),
            remedy: Remedy(
                try container.decode(String.self, forKey: .remedy),
                command: try container.decodeIfPresent(String.self, forKey: .remedyCommand),
                link: try container.decodeIfPresent(String.self, forKey: .remedyLink)
            )
        )
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(code, forKey: .code)
        try container.encode(state, forKey: .state)
        try container.encode(title, forKey: .title)
        try container.encode(observed, forKey: .observed)
        try container.encode(expected, forKey: .expected)
        try container.encode(remedy.text, forKey: .remedy)
        try container.encodeIfPresent(remedy.command, forKey: .remedyCommand)
        try container.encodeIfPresent(remedy.link, forKey: .remedyLink)
    }
}
