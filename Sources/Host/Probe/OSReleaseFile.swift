import NodeModel

/// `/etc/os-release`: shell-like assignments with comments and quotes; see os-release(5).
///
///     PRETTY_NAME="Ubuntu 22.04.5 LTS"
///     ID=ubuntu
enum OSReleaseFile {
    /// On most systems the first is a link to the second; a few systems have only the second.
    static let paths: [HostPath] = ["/etc/os-release", "/usr/lib/os-release"]

    static func read(_ root: HostRoot) -> Reading<OSRelease> {
        for path in paths {
            let found = root.reading(path)
            if !found.isAbsent { return found.map(parse) }
        }
        return .absent
    }

    /// Parses the file.
    ///
    /// A missing `ID` means `linux`. The last of several assignments counts.
    static func parse(_ text: String) -> OSRelease {
        var values: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline).map(\.trimmed) where !line.hasPrefix("#") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            values[String(line[..<equals])] = unquote(line[line.index(after: equals)...])
        }
        func value(_ key: String) -> String? { values[key].flatMap { $0.isEmpty ? nil : $0 } }
        return OSRelease(
            id: value("ID") ?? "linux",
            versionID: value("VERSION_ID"),
            prettyName: value("PRETTY_NAME"),
            variantID: value("VARIANT_ID")
        )
    }

    /// Removes quotes.
    ///
    /// Outside of single quotes, a backslash escapes the next character.
    private static func unquote(_ text: Substring) -> String {
        if text.count >= 2, text.first == "'", text.last == "'" { return String(text.dropFirst().dropLast()) }
        let isQuoted = text.count >= 2 && text.first == "\"" && text.last == "\""
        var result = ""
        var isEscaped = false
        for character in isQuoted ? text.dropFirst().dropLast() : text {
            if character == "\\" && !isEscaped {
                isEscaped = true
            } else {
                result.append(character)
                isEscaped = false
            }
        }
        return result
    }
}
