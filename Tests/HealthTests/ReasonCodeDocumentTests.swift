import Health
import NodeModel
import TestSupport
import Testing

@Suite struct ReasonCodeDocumentTests {
    @Test func isUpToDate() throws {
        try expectGolden(ReasonCodeDocument().text, "../../docs/reason-codes.md")
    }

    @Test func hasAHeadingForEveryAnchor() {
        let headings = ReasonCodeDocument().text.split(separator: "\n").filter { $0.hasPrefix("### ") }.map {
            "#" + $0.dropFirst(4)
        }
        let anchors = CheckRegistry.checks.map { $0.code.documentation.drop { $0 != "#" } }
        #expect(Set(headings) == Set(anchors.map(String.init)))
        #expect(headings.count == CheckRegistry.checks.count)
    }
}
