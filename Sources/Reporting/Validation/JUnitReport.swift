import NodeModel
import Support

/// A validation in the XML format of JUnit, which CI systems show as test cases.
///
/// Source: `jenkins-junit.xsd` of the xunit plugin of Jenkins, which GitLab, Azure Pipelines and Buildkite read, too.
package struct JUnitReport: Sendable {
    private let document: ValidationDocument

    package init(_ document: ValidationDocument) {
        self.document = document
    }

    package var text: String {
        let cases = ValidationCase.all(in: document)
        func count(_ result: ValidationCase.Result) -> Int { cases.count { $0.result == result } }
        let counts = """
            tests="\(cases.count)" failures="\(count(.failed))" errors="\(count(.unknown))" skipped="\(count(.skipped))"
            """
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites name="gpu-agent validate" \(counts)>
              <testsuite name="gpu-agent" \(counts)>
                <properties>
                  <property name="verdict" value="\(xml(document.verdict.rawValue))"/>
                  <property name="outcome" value="\(xml(document.outcome.rawValue))"/>
                </properties>
            \(cases.map(element).joined())  </testsuite>
            </testsuites>

            """
    }

    private func element(_ item: ValidationCase) -> String {
        let start = "    <testcase classname=\"gpu-agent.\(xml(item.section))\" name=\"\(xml(item.name))\""
        let body: String
        switch item.result {
        case .passed: return "\(start)/>\n"
        case .failed: body = problem("failure", item)
        case .unknown: body = problem("error", item)
        case .skipped: body = "<skipped message=\"\(xml(item.observed))\"/>"
        case .noted, .remark: body = "<system-out>\(xml(detail(item)))</system-out>"
        }
        return "\(start)>\n      \(body)\n    </testcase>\n"
    }

    private func problem(_ name: String, _ item: ValidationCase) -> String {
        "<\(name) type=\"\(xml(item.code))\" message=\"\(xml(item.observed))\">\(xml(detail(item)))</\(name)>"
    }

    private func detail(_ item: ValidationCase) -> String {
        let parts = [("observed", item.observed), ("expected", item.expected), ("what to do", item.remedy)]
        return parts.filter { !$0.1.isEmpty }.map { "\($0.0): \($0.1)" }.joined(separator: "\n")
    }
}

/// The text for the content of an XML element, or of an attribute in quotes.
///
/// XML 1.0 cannot have most control characters, not even escaped, nor U+FFFE and U+FFFF. They become U+FFFD.
///
/// Source: section 2.2 of XML 1.0.
func xml(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "'": result += "&apos;"
        case "\n": result.unicodeScalars.append(scalar)
        // A parser of attributes turns these two into spaces, and a carriage return into a line feed.
        case "\t": result += "&#9;"
        case "\r": result += "&#13;"
        case _ where scalar.value < 0x20 || (0xfffe...0xffff).contains(scalar.value): result += "\u{fffd}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
