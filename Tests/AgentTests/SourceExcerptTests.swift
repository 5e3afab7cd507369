import Agent
import Documents
import TestSupport
import Testing

@Suite struct SourceExcerptTests {
    /// The excerpt of a file with one problem, without the line that names it.
    private func excerpt(_ text: String, line: Int, column: Int) throws -> String {
        let directory = try TemporaryDirectory()
        try directory.write("c.yaml", text)
        let place = DocumentPlace(file: directory.path("c.yaml"), line: line, column: column)
        let lines = SourceExcerpt.text([DocumentProblem("is wrong", at: place)]).split(separator: "\n")
        #expect(lines.first == "\(place): is wrong")
        return lines.dropFirst().joined(separator: "\n")
    }

    @Test(arguments: [
        ("a: 1\nb: 2\n", 2, 4, "    b: 2\n       ^"),
        ("a: 1\r\nb: 2\r\n", 2, 4, "    b: 2\n       ^"),
        ("a: 1\rb: 2\r", 2, 4, "    b: 2\n       ^"),
        ("\tb: 2\n", 1, 5, "    \tb: 2\n    \t   ^"),
        ("ä: e\u{301}x\n", 1, 6, "    ä: e\u{301}x\n        ^"),
        ("a: [\n", 2, 1, "    \n    ^"),
        ("a: [", 1, 5, "    a: [\n        ^"),
    ])
    func showsTheLineAndThePlace(_ text: String, _ line: Int, _ column: Int, _ expected: String) throws {
        #expect(try excerpt(text, line: line, column: column) == expected)
    }

    @Test(arguments: [("a: 1\n", 3, 1), ("a: 1\n", 1, 6), (String(repeating: "a", count: 201), 1, 1)])
    func showsNoLineThatIsNotThereOrTooLong(_ text: String, _ line: Int, _ column: Int) throws {
        #expect(try excerpt(text, line: line, column: column).isEmpty)
    }
}
