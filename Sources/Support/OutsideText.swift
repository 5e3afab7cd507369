extension StringProtocol {
    /// The text for a terminal, a log line, an event or a label: one line without control characters.
    ///
    /// Line breaks and tabs become spaces. Other control characters, and characters that change the direction of text,
    /// become U+FFFD. Replacing Characters is not enough, because Swift sees `\r\n` as one Character.
    package var visible: String { replacingControls(keepsLines: false) }

    /// The same for a text of several lines: line feeds stay.
    package var visibleLines: String { replacingControls(keepsLines: true) }

    /// At most `limit` bytes of UTF-8, 40 or more, with the number of bytes that are left out.
    package func shortened(to limit: Int) -> String {
        let size = utf8.count
        guard size > limit else { return String(self) }
        let kept = String(decoding: utf8.prefix(limit - 40), as: UTF8.self)
        // The limit can be inside a character. Its part then decodes to one U+FFFD.
        let whole = kept.hasSuffix("\u{fffd}") ? String(kept.unicodeScalars.dropLast()) : kept
        return "\(whole)… (\(size - whole.utf8.count) more bytes)"
    }

    private func replacingControls(keepsLines: Bool) -> String {
        // Most texts are printable ASCII, which the bytes show.
        if utf8.allSatisfy({ (0x20...0x7e).contains($0) }) { return String(self) }
        guard unicodeScalars.contains(where: { $0.isControl }) else { return String(self) }
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\n" where keepsLines: result.unicodeScalars.append(scalar)
            case "\t", "\n", "\u{b}", "\u{c}", "\r", "\u{85}", "\u{2028}", "\u{2029}": result += " "
            case _ where scalar.isControl: result += "\u{fffd}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension Unicode.Scalar {
    /// Whether a terminal, a log or an editor may act on the character instead of showing it.
    fileprivate var isControl: Bool {
        switch value {
        case 0x00..<0x20, 0x7f..<0xa0: true
        // Marks and overrides of the text direction, line and paragraph separators, and the byte order mark.
        case 0x061c, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff: true
        // The vowel separator of Mongolian, annotations and tags, which terminals show as nothing.
        case 0x180e, 0xfff9...0xfffb, 0xe0000...0xe007f: true
        default: false
        }
    }
}

/// The text with the secrets of its URLs removed: user names, passwords and queries.
///
/// A URL begins with its scheme and ends at white space or a quote. A password with `/` or `#` makes a URL invalid, so
/// everything up to the last `@` counts as user name and password. Signed URLs have the signature in the query.
package func redacted(_ text: String) -> String {
    // Most texts have no URL.
    guard text.utf8.contains(UInt8(ascii: "/")), text.utf8.contains(UInt8(ascii: ":")) else { return text }
    var result = ""
    var rest = Substring(text)
    while let mark = rest.firstRange(of: "://") {
        result += rest[..<mark.upperBound]
        rest = rest[mark.upperBound...]
        let end = rest.firstIndex { $0.isWhitespace || "\"'<>`".contains($0) } ?? rest.endIndex
        result += withoutSecrets(rest[..<end])
        rest = rest[end...]
    }
    return result + rest
}

/// The part of a URL after `://`, without its secrets.
private func withoutSecrets(_ address: Substring) -> String {
    var shown = address
    var result = ""
    // The punctuation of the sentence around the URL.
    let punctuation = String(address.reversed().prefix { ":,;.)]".contains($0) }.reversed())
    shown = shown.dropLast(punctuation.count)
    if let at = shown.lastIndex(of: "@") {
        result += "***@"
        shown = shown[shown.index(after: at)...]
    }
    guard let query = shown.firstIndex(of: "?") else {
        return result + shown + punctuation
    }
    return result + shown[..<query] + "?***" + punctuation
}
