import Support

/// The result of a check, or an obstacle: what the agent observed, what it expected, and the remedy.
///
/// A finding reaches terminals, logs, the journal, and events of the Node. What it observed can come from servers,
/// files and programs, so it is one line without control characters and without the secrets of URLs, and long texts are
/// cut.
package struct Finding: Sendable, Equatable {
    /// The result of the check, which decides how the finding affects the verdict.
    package enum State: String, Codable, Sendable, CaseIterable {
        case pass
        /// The node works, but not completely: the verdict is `degraded`.
        case warning
        /// Useful to know, without an influence on the verdict.
        case notice
        case failed
        /// The agent cannot tell whether the check passes or fails.
        case unknown
        /// The check does not apply to this node.
        case notApplicable
        /// The agent did not read the facts for this check, on purpose.
        case skipped
    }

    /// The stable name of the problem that a failed check reports.
    package var code: ReasonCode
    package var state: State
    /// What the check requires, as a lower-case clause: `the host has one driver version`.
    ///
    /// It is empty until the report copies the title from the registry of checks.
    package var title: String
    package var observed: String
    /// What the agent expected, as a lower-case noun phrase.
    package var expected: String
    /// What to do about the finding; `none` when there is nothing to do.
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
        self.observed = Self.safe(observed)
        self.expected = Self.safe(expected)
        self.remedy = Remedy(Self.safe(remedy.text), command: remedy.command?.visible, link: remedy.link?.visible)
    }

    /// The most bytes of a text of a finding.
    package static let textLimit = 4096

    private static func safe(_ text: String) -> String { redacted(text).visible.shortened(to: textLimit) }

    /// Creates a finding whose remedy is only a text.
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

    /// Decodes findings of every version of the agent.
    ///
    /// The first version wrote obstacles without a state and a title.
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
