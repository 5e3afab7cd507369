import Support

/// Limits the output of a step that is shown, because a program can print without end.
package struct StepOutput: Sendable, Equatable {
    /// The most lines of a step; an installer prints a few, and a package manager some hundred.
    package static let limit = 500
    /// The most bytes of a line.
    package static let lineLimit = 1000

    private var count = 0

    package init() {}

    /// Takes a line that the program printed.
    ///
    /// - Returns: The line without control characters and secrets; nil when it is empty, and when the step has had
    ///   `limit` lines already.
    package mutating func take(_ line: String) -> String? {
        let shown = redacted(line).visible
        guard shown.contains(where: { !$0.isWhitespace }) else { return nil }
        count += 1
        return count > Self.limit ? nil : shown.shortened(to: Self.lineLimit)
    }

    /// How many lines the step printed after the last one that is shown, as a text; nil when there are none.
    package var leftOut: String? {
        let more = count - Self.limit
        return more > 0 ? "\(more) more \(more == 1 ? "line" : "lines")" : nil
    }
}
