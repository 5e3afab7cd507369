import Support

/// A validation as annotations of a GitHub Actions job: a workflow command for each finding that is worth reading.
///
/// Source: `packages/core/src/command.ts` in actions/toolkit, for the commands and how their texts are escaped.
package struct GitHubReport: Sendable {
    private let document: ValidationDocument

    package init(_ document: ValidationDocument) {
        self.document = document
    }

    /// The commands, one a line.
    ///
    /// Each line begins with a command, so a text of a finding cannot be one.
    package var text: String {
        let cases = ValidationCase.all(in: document)
        return cases.enumerated().map { line($0.element, isWhole: $0.offset == 0) }.joined()
    }

    private func line(_ item: ValidationCase, isWhole: Bool) -> String {
        let parts = [item.title, item.observed, item.expected.isEmpty ? "" : "wanted: \(item.expected)", item.remedy]
        let message = parts.filter { !$0.isEmpty }.map(sentence).joined(separator: " ")
        let command: String
        switch item.result {
        case .failed, .unknown: command = "error"
        case .noted: command = "warning"
        case .remark: command = "notice"
        // Only somebody who debugs the job reads these.
        case .passed, .skipped: command = isWhole ? "notice" : "debug"
        }
        if command == "debug" { return "::debug::\(escaped(item.code)): \(escaped(message))\n" }
        return "::\(command) title=\(property("gpu-agent: \(item.code)"))::\(escaped(message))\n"
    }

    private func sentence(_ text: String) -> String { ".!?".contains(text.last ?? " ") ? text : "\(text)." }
}

/// The text after the second pair of colons.
private func escaped(_ text: String) -> String {
    var result = ""
    var before: Unicode.Scalar = " "
    for scalar in text.unicodeScalars {
        switch scalar {
        case "%": result += "%25"
        case "\r": result += "%0D"
        case "\n": result += "%0A"
        // An older form of commands, `##[error]`, can stand in the middle of a line.
        case "#" where before == "#": result += " #"
        default: result.unicodeScalars.append(scalar)
        }
        before = scalar
    }
    return result
}

/// The value of a property before the second pair of colons.
private func property(_ text: String) -> String {
    escaped(text).unicodeScalars.reduce(into: "") { result, scalar in
        switch scalar {
        case ":": result += "%3A"
        case ",": result += "%2C"
        default: result.unicodeScalars.append(scalar)
        }
    }
}
