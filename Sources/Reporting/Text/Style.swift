/// How text looks on the terminal it goes to.
///
/// Color only on a terminal, and never with `NO_COLOR` or `TERM=dumb`.
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

/// Text padded with spaces on the right to a width in characters.
package func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

/// A length of time as people say it: `0.4 s`, `12 s`, `3 min 20 s`.
package func spoken(seconds: Double) -> String {
    switch seconds {
    case ..<10: return "\((seconds * 10).rounded() / 10) s"
    case ..<120: return "\(Int(seconds.rounded())) s"
    default:
        let whole = Int(seconds.rounded())
        return "\(whole / 60) min \(whole % 60) s"
    }
}
