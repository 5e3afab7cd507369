/// The style of text on a terminal.
///
/// Output has color only on a terminal, and never with `NO_COLOR` or `TERM=dumb`.
package struct Style: Sendable {
    package var color: Bool

    package init(color: Bool) {
        self.color = color
    }

    package func bold(_ text: String) -> String { wrapped(text, "1") }
    package func faint(_ text: String) -> String { wrapped(text, "2") }
    package func red(_ text: String) -> String { wrapped(text, "31") }
    package func green(_ text: String) -> String { wrapped(text, "32") }
    package func yellow(_ text: String) -> String { wrapped(text, "33") }

    private func wrapped(_ text: String, _ code: String) -> String {
        color ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

/// Returns the text, padded on the right with spaces to a width in characters.
package func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

/// Returns a duration as text for users, such as `0.4 s`, `12 s`, `3 min 20 s` or `18 h 37 min`.
///
/// The number can come from a file on the host. It is limited to the time from the year 1970 to the year 9999.
package func spoken(seconds: Double) -> String {
    let seconds = seconds.isNaN ? 0 : min(max(seconds, 0), 253_402_300_799)
    switch seconds {
    case ..<10: return "\((seconds * 10).rounded() / 10) s"
    case ..<120: return "\(Int(seconds.rounded())) s"
    case ..<7200:
        let whole = Int(seconds.rounded())
        return "\(whole / 60) min \(whole % 60) s"
    default:
        let minutes = Int((seconds / 60).rounded())
        return "\(minutes / 60) h \(minutes % 60) min"
    }
}
