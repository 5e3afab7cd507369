import FoundationEssentials
import NodeModel
import TestSupport
import Testing

/// The page of labels lists the traits of a GPU that are labels.
@Suite struct LabelsDocumentTests {
    private static let page = "../../docs/labels.md"
    private static let start =
        "<!-- The tests write this table: UPDATE_GOLDEN=1 scripts/test --filter LabelsDocumentTests -->\n"
    private static let end = "<!-- The end of the table -->\n"

    private var table: String {
        let rows = GPUTrait.allCases.compactMap(\.declaration.label).map { label in
            "| `gpu-agent.dev/\(label.name)` | \(label.values) | \(label.absence) |"
        }
        return (["| label | value | absent when |", "| --- | --- | --- |"] + rows).map { "\($0)\n" }.joined()
    }

    @Test func listsTheTraits() throws {
        var page = try String(contentsOfFile: fixture(Self.page), encoding: .utf8)
        let start = try #require(page.firstRange(of: Self.start)).upperBound
        let end = try #require(page.firstRange(of: Self.end)).lowerBound
        page.replaceSubrange(start..<end, with: table)
        try expectGolden(page, Self.page)
    }
}
