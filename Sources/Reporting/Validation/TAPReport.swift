import Support

/// A validation in the Test Anything Protocol, version 14, which test harnesses such as `prove` read.
///
/// Source: testanything.org, "TAP 14 specification".
package struct TAPReport: Sendable {
    private let document: ValidationDocument

    package init(_ document: ValidationDocument) {
        self.document = document
    }

    package var text: String {
        let cases = ValidationCase.all(in: document)
        let points = cases.enumerated().map { point($0.element, number: $0.offset + 1) }
        return (["TAP version 14", "1..\(cases.count)"] + points).joined(separator: "\n") + "\n"
    }

    private func point(_ item: ValidationCase, number: Int) -> String {
        let isGood = ![.failed, .unknown].contains(item.result)
        let line = "\(isGood ? "ok" : "not ok") \(number) - \(tap(item.name))"
        switch item.result {
        case .passed: return line
        case .skipped: return "\(line) # SKIP \(tap(item.observed))"
        case .failed, .unknown, .noted, .remark: break
        }
        let values = [
            ("observed", item.observed), ("expected", item.expected), ("remedy", item.remedy),
            ("section", item.section),
        ]
        // A text in JSON is a text in YAML.
        let block = values.filter { !$0.1.isEmpty }.map { "  \($0.0): \(quoted($0.1))" }
        return ([line, "  ---"] + block + ["  ..."]).joined(separator: "\n")
    }
}

/// The description of a test point: `#` would begin a directive, and a backslash escapes.
private func tap(_ text: String) -> String {
    // By scalars, because Swift sees `#` and a combining mark as one other Character.
    text.visible.unicodeScalars.reduce(into: "") { result, scalar in
        if scalar == "\\" || scalar == "#" { result += "\\" }
        result.unicodeScalars.append(scalar)
    }
}

/// A text in quotes as JSON writes it, in ASCII.
private func quoted(_ text: String) -> String {
    let inner = text.utf16.reduce(into: "") { result, unit in
        switch unit {
        case 0x22: result += "\\\""
        case 0x5c: result += "\\\\"
        case 0x20...0x7e: result.unicodeScalars.append(Unicode.Scalar(UInt8(truncatingIfNeeded: unit)))
        default: result += "\\u" + hex(unit, digits: 4)
        }
    }
    return "\"\(inner)\""
}
