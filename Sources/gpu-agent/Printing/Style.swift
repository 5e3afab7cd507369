import Glibc

/// How text looks on the terminal it goes to.
///
/// Color only on a terminal, and never with `NO_COLOR` or `TERM=dumb`.
struct Style: Sendable {
    var color: Bool

    /// The style for a file descriptor: 1 for standard output, 2 for standard error.
    static func of(_ descriptor: Int32, environment: [String: String]) -> Style {
        let refused = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        return Style(color: isatty(descriptor) == 1 && !refused && environment["TERM"] != "dumb")
    }

    func bold(_ text: String) -> String { wrapped(text, "1") }
    func faint(_ text: String) -> String { wrapped(text, "2") }
    func red(_ text: String) -> String { wrapped(text, "31") }
    func green(_ text: String) -> String { wrapped(text, "32") }
    func yellow(_ text: String) -> String { wrapped(text, "33") }

    private func wrapped(_ text: String, _ code: String) -> String {
        color ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

/// Text padded with spaces on the right to a width in characters.
func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

/// A length of time as people say it: `0.4 s`, `12 s`, `3 min 20 s`.
func spoken(seconds: Double) -> String {
    switch seconds {
    case ..<10: return "\((seconds * 10).rounded() / 10) s"
    case ..<120: return "\(Int(seconds.rounded())) s"
    default:
        let whole = Int(seconds.rounded())
        return "\(whole / 60) min \(whole % 60) s"
    }
}
