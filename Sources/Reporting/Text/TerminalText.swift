import Support

/// Text for a terminal: control characters are replaced, except line feeds and the colors of `Style`.
///
/// File names, catalogs and messages of servers can contain sequences that a terminal would execute.
package func terminalText(_ text: String) -> String {
    guard text.contains("\u{1B}") else { return text.visibleLines }
    let parts = text.split(separator: "\u{1B}", omittingEmptySubsequences: false)
    let rest = parts.dropFirst().map { part -> String in
        guard let code = colorCode(part) else { return "\u{fffd}\(part.visibleLines)" }
        return "\u{1B}\(code)\(part.dropFirst(code.count).visibleLines)"
    }
    return (parts.first?.visibleLines ?? "") + rest.joined()
}

/// The end of a color sequence at the beginning of a text, such as `[31m`; nil when the text begins with another one.
private func colorCode(_ text: Substring) -> Substring? {
    guard text.first == "[", let end = text.firstIndex(of: "m") else { return nil }
    let digits = text[text.index(after: text.startIndex)..<end]
    return digits.count <= 2 && isDigits(digits, radix: 10) ? text[...end] : nil
}
