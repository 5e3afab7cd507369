/// Something that stands in the way, with what to do about it.
package struct Problem: Codable, Sendable, Equatable {
    package var code: ReasonCode
    package var observed: String
    package var expected: String
    /// The next action, in words or as a command.
    package var remedy: String

    package init(_ code: ReasonCode, observed: String, expected: String, remedy: String) {
        self.code = code
        self.observed = observed
        self.expected = expected
        self.remedy = remedy
    }
}
