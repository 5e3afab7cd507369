import Documents
import Support
import Testing

@Suite struct YAMLTextTests {
    private struct Verdict: Encodable {
        var state = "ready"
        var driver = "595.58.03"
        var address = "0001:00:00.0"
        var gpus = 8
        var load = 0.5
        var healthy = true
        var remedy: String?
        var findings: [String] = []
        var labels = ["nvidia.com/gpu.present": "true", "note": "a: b"]
        var log = "first\nsecond\n"
    }

    @Test func writesWhatPeopleRead() throws {
        let expected = """
            address: "0001:00:00.0"
            driver: "595.58.03"
            findings: []
            gpus: 8
            healthy: true
            labels:
              note: 'a: b'
              nvidia.com/gpu.present: "true"
            load: 0.5
            log: |
              first
              second
            state: ready

            """
        #expect(YAMLText.render(try JSONValue(encoding: Verdict())) == expected)
    }

    static let texts: [(text: String, rendered: String)] = [
        ("", #""""#), ("null", #""null""#), ("Yes", #""Yes""#), ("off", #""off""#), ("~", #""~""#),
        ("12", #""12""#), ("-1", #""-1""#), (".5", #"".5""#), ("+.inf", #""+.inf""#), ("0x1f", #""0x1f""#),
        ("2026-07-13", #""2026-07-13""#), ("1_000", #""1_000""#), ("-", "'-'"), ("- a", "'- a'"), ("# a", "'# a'"),
        ("*a", "'*a'"), ("&a", "'&a'"), ("!a", "'!a'"), ("@a", "'@a'"), ("%a", "'%a'"), ("[a", "'[a'"),
        ("it's", "it's"),
        ("a #b", "'a #b'"), ("a: b", "'a: b'"), ("a:", "'a:'"), (" a", "' a'"), ("a ", "'a '"), ("a\tb", #""a\tb""#),
        ("\u{0}\u{1b}", #""\0\e""#), ("größe", "größe"), ("😀", #""\U0001F600""#), ("nvidia", "nvidia"),
        ("-nvidia", "-nvidia"),
        ("---", "'---'"), ("\"", "'\"'"), ("a\n", "|\n  a"), ("a\nb", "|-\n  a\n  b"),
    ]

    @Test(arguments: texts)
    func quotesWhatWouldNotBeText(_ row: (text: String, rendered: String)) throws {
        let rendered = YAMLText.render(["k": .string(row.text)])
        #expect(rendered == "k: \(row.rendered)\n")
    }

    static let numbers: [(Double, String)] = [
        (1, "1.0"), (1e16, "1.0e+16"), (-2.5e-7, "-2.5e-07"), (.infinity, ".inf"), (-.infinity, "-.inf"),
        (.nan, ".nan"),
    ]

    @Test(arguments: numbers)
    func writesNumbersForBothVersionsOfYAML(_ number: Double, _ text: String) {
        #expect(YAMLText.render(.double(number)) == "\(text)\n")
    }

    @Test func whatIsWrittenReadsBackAsTheSame() throws {
        var source = RandomOutput(state: 595)
        var kinds: Set<String> = []
        for _ in 0..<20_000 {
            let value = source.value(depth: 0)
            let text = YAMLText.render(value)
            do {
                let back = reading(try YAMLDocument.parse(text, file: "f"))
                try #require(back == value, "\(text)")
            } catch let problems as DocumentProblems {
                Issue.record("\(problems)\n\(text)")
                return
            }
            kinds.insert(String(text.prefix(1)))
        }
        #expect(kinds.count > 20)
    }

    @Test func theTreeOfJSONKeepsItsTypes() throws {
        struct Everything: Encodable {
            var big = Int.max
            var fraction = 0.1
            var nothing: Int?
            var list = [[true], []]

            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Key.self)
                try container.encode(list, forKey: .list)
                try container.encode(big, forKey: .big)
                try container.encode(fraction, forKey: .fraction)
                try container.encodeNil(forKey: .nothing)
            }
            enum Key: CodingKey { case big, fraction, nothing, list }
        }
        let expected: JSONValue = [
            "big": .int(.max), "fraction": 0.1, "list": [[true], []], "nothing": .null,
        ]
        #expect(try JSONValue(encoding: Everything()) == expected)
    }

    /// The value that a YAML reader gets from a tree.
    ///
    /// A quoted scalar is a string. A plain scalar is a string only when it is no other type.
    private func reading(_ node: DocumentNode) -> JSONValue {
        switch node.content {
        case .scalar(let text, quoted: true): .string(text)
        case .scalar("null", _), .scalar("", _), .scalar("~", _): .null
        case .scalar("true", _): .bool(true)
        case .scalar("false", _): .bool(false)
        case .scalar(let text, _):
            Int(text).map { .int($0) } ?? Double(text).map { .double($0) } ?? .string(text)
        case .sequence(let children): .array(children.map(reading))
        case .mapping(let entries):
            .object(
                Dictionary(
                    entries.map { entry in
                        guard case .scalar(let key, _) = entry.key.content else { return ("?", .null) }
                        return (key, reading(entry.value))
                    }
                ) { _, last in last }
            )
        }
    }
}

/// Random trees that are the same in every run, with texts that are difficult to write.
private struct RandomOutput: RandomNumberGenerator {
    var state: UInt64

    static let alphabet = Array(" \n:#-'\"|>&*!%@`{}[],?\\.~0123aeñ\u{1}\u{7f}\u{85}\u{2028}\t\r\u{feff}😀yn_x/=<")
    static let words = [
        "", "null", "true", "No", "0x1f", "1e3", "0001:00:00.0", "...", "---", "- -", ": ", " #", "\n", "\n\n x",
    ]

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func pick(_ count: Int) -> Int { .random(in: 0..<count, using: &self) }

    mutating func text() -> String {
        if pick(3) == 0 { return Self.words[pick(Self.words.count)] }
        return String((0..<pick(12)).map { _ in Self.alphabet[pick(Self.alphabet.count)] })
    }

    mutating func value(depth: Int) -> JSONValue {
        switch pick(depth > 3 ? 5 : 8) {
        case 0: .null
        case 1: .bool(pick(2) == 0)
        case 2: .int(Int(truncatingIfNeeded: next()))
        case 3: .double(Double(bitPattern: next() & 0xbfff_ffff_ffff_ffff))
        case 4: .string(text())
        case 5: .array((0..<pick(4)).map { _ in value(depth: depth + 1) })
        default: .object(Dictionary((0..<pick(4)).map { _ in (text(), value(depth: depth + 1)) }) { _, last in last })
        }
    }
}
