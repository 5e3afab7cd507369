import Documents
import Testing

@Suite struct YAMLDocumentTests {
    /// A tree as `{key: [text, 'quoted text']}`, without places.
    private func outline(_ node: DocumentNode) -> String {
        switch node.content {
        case .scalar(let text, quoted: false): text
        case .scalar(let text, quoted: true): "'\(text)'"
        case .sequence(let children): "[\(children.map(outline).joined(separator: ", "))]"
        case .mapping(let entries):
            "{\(entries.map { "\(outline($0.key)): \(outline($0.value))" }.joined(separator: ", "))}"
        }
    }

    static let documents: [(text: String, outline: String)] = [
        ("driver: 595.58.03\nkernelModuleType: open # why\n", "{driver: 595.58.03, kernelModuleType: open}"),
        ("- a\n- 'b'\n- \"c\\n\"\n", "[a, 'b', 'c\n']"),
        ("text: |\n  one\n  two\nnothing:\n", "{text: 'one\ntwo\n', nothing: }"),
        ("a: 1\na: 2\n", "{a: 1, a: 2}"),
        ("---\nonly: one\n...\n", "{only: one}"),
        (#"{"a":1,"b":["x","é\/"],"c":{"d":null}}"#, "{'a': 1, 'b': ['x', 'é/'], 'c': {'d': null}}"),
        ("{\n\t\"tabs\": [\n\t\ttrue\n\t]\n}\n", "{'tabs': [true]}"),
        ("[]", "[]"),
        ("plain", "plain"),
        ("# only a comment\n{}", "{}"),
    ]

    @Test(arguments: documents)
    func reads(_ document: (text: String, outline: String)) throws {
        #expect(outline(try YAMLDocument.parse(document.text, file: "f")) == document.outline)
    }

    @Test func everyValueKnowsItsPlace() throws {
        let text = "größe: groß\nlist:\n  - first\n  - {key: value}\n"
        let root = try YAMLDocument.parse(text, file: "catalog.yaml")
        guard case .mapping(let entries) = root.content, case .sequence(let list) = entries[1].value.content,
            case .mapping(let inner) = list[1].content
        else {
            Issue.record("\(outline(root))")
            return
        }
        #expect(root.place.description == "catalog.yaml:1:1")
        // Columns count characters, not bytes.
        #expect(entries[0].value.place.description == "catalog.yaml:1:8")
        #expect(entries[1].key.place.description == "catalog.yaml:2:1")
        #expect(entries[1].value.place.description == "catalog.yaml:3:3")
        #expect(list[0].place.description == "catalog.yaml:3:5")
        #expect(inner[0].value.place.description == "catalog.yaml:4:11")
    }

    static let refused: [(text: String, problems: [(place: String, part: String)])] = [
        ("", [("f:1:1", "empty")]),
        ("# nothing\n", [("f:1:1", "empty")]),
        ("a: &x 1\nb: *x\n", [("f:1:4", "anchor"), ("f:2:4", "alias")]),
        ("a: !!str 1\nb: !mine [1]\n", [("f:1:4", "tag"), ("f:2:4", "tag")]),
        ("a: 1\n---\nb: 2\n", [("f:2:1", "second document")]),
        ("a: [1, 2\nb: 3\n", [("f:2:2", "flow sequence")]),
        ("a: 1\n b: 2\n", [("f:2:3", "mapping values")]),
        ("a: 'open\n", [("f:2:1", "quoted scalar")]),
        // Without a line break at the end, the end of the text is the end of its last line.
        ("a: 'open", [("f:1:9", "quoted scalar")]),
        ("a: 1\n;:\n6", [("f:3:2", "could not find expected ':'")]),
        ("a: 1\r\nb:\rc: \u{1}\n", [("f:3:4", "control characters")]),
        ("a: \"\u{2028}\u{85}é\u{1}\"\n", [("f:3:2", "control characters")]),
        ("a: 1\n\tb: 2\n", [("f:2:1", "tab character")]),
        ("a: x\nb: \u{1}\n", [("f:2:4", "control characters")]),
        (#"{"a": "\ud83d\ude00"}"#, [("f:1:10", "Unicode")]),
        ("a: &x 1\nb: [\n", [("f:1:4", "anchor"), ("f:3:1", "node content")]),
    ]

    @Test(arguments: refused)
    func refusesWithEveryPlace(_ row: (text: String, problems: [(place: String, part: String)])) throws {
        let thrown = #expect(throws: DocumentProblems.self) { try YAMLDocument.parse(row.text, file: "f") }
        let problems = try #require(thrown).problems
        #expect(problems.map(\.place.description) == row.problems.map(\.place), "\(problems)")
        for (problem, expected) in zip(problems, row.problems) {
            #expect(problem.message.contains(expected.part), "\(problem)")
        }
    }

    @Test func countsTheProblemsBeyondTheLimit() throws {
        let text = "[" + String(repeating: "&a x,", count: 1000) + "]"
        let thrown = #expect(throws: DocumentProblems.self) { try YAMLDocument.parse(text, file: "f") }
        let problems = try #require(thrown).problems
        #expect(problems.count == ProblemList.limit + 1)
        #expect(problems.last?.description == "f:1:502: 900 more problems")
        let one = (0...ProblemList.limit).map {
            DocumentProblem("x", at: DocumentPlace(file: "f", line: $0, column: 1))
        }
        #expect(ProblemList(one).problems.last?.description == "f:100:1: 1 more problem")
        #expect(ProblemList(one.dropLast()).problems == one.dropLast())
    }

    @Test func refusesWhatIsNoUTF8AtItsPlace() throws {
        let bytes = Array("a: 1\né: ".utf8) + [0xff, 0x0a]
        let thrown = #expect(throws: DocumentProblems.self) { try YAMLDocument.parse(bytes, file: "f") }
        #expect(thrown?.problems.map(\.place.description) == ["f:2:4"])
    }

    @Test func boundsDepthAndSize() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try YAMLDocument.parse(nested(YAMLDocument.depthLimit), file: "f")
        let deep = #expect(throws: DocumentProblems.self) { try YAMLDocument.parse(nested(500_000), file: "f") }
        #expect(deep?.problems.map(\.place.column) == [YAMLDocument.depthLimit + 1])
        let largest = String(repeating: "#", count: YAMLDocument.sizeLimit - 1) + "\n"
        let directives = String(repeating: "%TAG ! a\n", count: 101)
        let tags = #expect(throws: DocumentProblems.self) { try YAMLDocument.parse(directives + "---\na", file: "f") }
        #expect(
            tags?.problems.map(\.message) == ["the document contains %TAG more than 100 times; tags are not supported"]
        )
        func empty(_ count: Int) -> String { "[" + String(repeating: "{},", count: count) + "]" }
        _ = try YAMLDocument.parse(empty(YAMLDocument.nodeLimit - 1), file: "f")
        let many = #expect(throws: DocumentProblems.self) {
            try YAMLDocument.parse(empty(YAMLDocument.nodeLimit + 1000), file: "f")
        }
        #expect(many?.problems.map(\.message) == ["the document has more than 200000 values; split it"])
        let long = #expect(throws: DocumentProblems.self) { try YAMLDocument.parse("a: 1\n" + largest, file: "f") }
        #expect(long?.problems.first?.message.contains("\(YAMLDocument.sizeLimit + 5) bytes") == true)
    }
}
