import FoundationEssentials
import SimulatedCluster
import Testing

/// The server's own reader and writer of JSON.
@Suite struct JSONTests {
    private func read(_ text: String) throws -> JSON { try JSON(parsing: Data(text.utf8)) }

    static let values: [(text: String, value: JSON)] = [
        ("null", .null), ("true", true), ("-12", -12), ("1.5", 1.5), ("1e3", 1000.0), ("\"\"", ""),
        (#""a\"\\\/\b\f\n\r\té€😀""#, "a\"\\/\u{8}\u{c}\n\r\té€😀"),
        (#""\u00e9\ud83d\ude00""#, "é😀"), ("[]", []), ("[1, [2]]", [1, [2]]), ("{}", [:]),
        (#" { "b" : {"c": [true]} , "a" : "x" } "#, ["a": "x", "b": ["c": [true]]]),
        // The last of two members of one name counts, as in the real server.
        (#"{"a": 1, "a": 2}"#, ["a": 2]), ("9223372036854775808", .double(9_223_372_036_854_775_808)),
    ]

    @Test(arguments: values)
    func readsAndWritesBack(_ text: String, _ value: JSON) throws {
        #expect(try read(text) == value)
        #expect(try JSON(parsing: value.data()) == value)
        #expect(try JSON(parsing: value.data(pretty: true)) == value)
    }

    @Test(arguments: [
        "", "nul", "{", "[1", "[1,]", "{\"a\"}", "{a: 1}", "\"a", "\"\u{1}\"", "1 2", "+1", ".5", "--1", #""\x""#,
        #""\u12""#,
    ])
    func refusesWhatIsNoJSON(_ text: String) {
        #expect(throws: JSONError.self) { try read(text) }
    }

    @Test func aDocumentOfManyLevelsIsRefusedAndNotACrash() {
        #expect(throws: JSONError.self) { try read(String(repeating: "[", count: 100_000)) }
    }

    @Test func sortsItsMembers() throws {
        let value: JSON = ["b": 1, "a": [true, .null], "c": "\u{1}\""]
        #expect(value.text() == "{\"a\":[true,null],\"b\":1,\"c\":\"\\u0001\\\"\"}")
    }
}
