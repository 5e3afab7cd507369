/// A whole number from a file or a server: decimal digits only; nil for any other text and outside the range.
package func wholeNumber(_ text: some StringProtocol, in range: ClosedRange<Int>) -> Int? {
    guard isDigits(text, radix: 10), let number = Int(text), range.contains(number) else { return nil }
    return number
}

/// The sum of two numbers from a file or a program; the nearest `Int` when the sum does not fit.
package func boundedSum(_ left: Int, _ right: Int) -> Int {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? (left < 0 ? .min : .max) : sum
}

extension Duration {
    /// The longest time that a server or a file can ask the agent to wait: a day.
    package static let longestAsked = Duration.seconds(86_400)

    /// The time that a server or a file asks for, in seconds.
    ///
    /// A negative number becomes zero, and a number above `longestAsked` becomes `longestAsked`. Arithmetic on the
    /// result cannot overflow, whatever the server sent.
    package init(asked seconds: Int) {
        self = min(.seconds(max(seconds, 0)), Self.longestAsked)
    }

    /// The time in a `Retry-After` header, in seconds; nil when the value is a date or another text.
    package init?(retryAfter text: String) {
        guard isDigits(text, radix: 10) else { return nil }
        // A number with too many digits for `Int` is long, too.
        self.init(asked: Int(text) ?? .max)
    }
}
