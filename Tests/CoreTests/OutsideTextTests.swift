import NodeModel
import Reporting
import Support
import TestSupport
import Testing

/// Texts and numbers that somebody outside the agent wrote.
@Suite struct OutsideTextTests {
    static let controls: [(String, String)] = [
        ("plain, ünïcode, 漢字, 🚀", "plain, ünïcode, 漢字, 🚀"), ("a\r\nb", "a  b"), ("a\tb\u{b}c", "a b c"),
        ("\u{1B}[2J\u{7}", "\u{fffd}[2J\u{fffd}"), ("\u{9B}31m", "\u{fffd}31m"),
        ("a\u{202E}b\u{2066}c", "a\u{fffd}b\u{fffd}c"), ("a\u{61C}b\u{E0041}c", "a\u{fffd}b\u{fffd}c"),
        ("a\u{2028}b\u{85}c", "a b c"), ("\0\u{7F}", "\u{fffd}\u{fffd}"), ("", ""),
    ]

    @Test(arguments: controls)
    func controlCharactersAreReplaced(_ text: String, _ expected: String) {
        #expect(text.visible == expected)
    }

    @Test func linesCanBeKept() {
        #expect("a\r\nb\n\tc\u{1B}".visibleLines == "a \nb\n c\u{fffd}")
    }

    static let urls: [(String, String)] = [
        ("cannot download https://h/x.run: refused", "cannot download https://h/x.run: refused"),
        ("https://user:SECRET@h:3128/x", "https://***@h:3128/x"),
        ("see https://h/x?sig=SECRET&e=1.", "see https://h/x?***."),
        ("'http://u:SECRET@h' and 'http://h?SECRET'", "'http://***@h' and 'http://h?***'"),
        ("http://u:SE/CR#ET@h/x", "http://***@h/x"), ("http://u:SECRET@x@h", "http://***@h"),
        ("https://docs.example.com/page#part", "https://docs.example.com/page#part"),
        ("no URL: a@b?c", "no URL: a@b?c"),
        ("s3://b/k?SECRET) or ftp://u:SECRET@h", "s3://b/k?***) or ftp://***@h"), ("://", "://"),
    ]

    @Test(arguments: urls)
    func secretsOfURLsAreRemoved(_ text: String, _ expected: String) {
        #expect(redacted(text) == expected)
        #expect(redacted(expected) == expected)
    }

    @Test func longTextsAreCut() {
        #expect("short".shortened(to: 100) == "short")
        let long = String(repeating: "ä", count: 100)
        #expect(long.shortened(to: 100) == String(repeating: "ä", count: 30) + "… (140 more bytes)")
        #expect(long.shortened(to: 101).utf8.count <= 101)
    }

    @Test(arguments: [
        ("17", 17), ("0", 0), ("+1", nil), ("-1", nil), ("1e3", nil), ("", nil), ("101", nil), ("٣", nil),
    ])
    func wholeNumbersHaveBounds(_ text: String, _ expected: Int?) {
        #expect(wholeNumber(text, in: 0...100) == expected)
    }

    @Test(arguments: [
        (1, 2, 3), (Int.max, 1, Int.max), (Int.max, Int.max, Int.max), (Int.min, -1, Int.min),
        (Int.max, -1, Int.max - 1),
    ])
    func sumsHaveBounds(_ left: Int, _ right: Int, _ expected: Int) {
        #expect(boundedSum(left, right) == expected)
    }

    static let delays: [(String, Duration?)] = [
        ("0", .zero), ("120", .seconds(120)), ("9223372036854775807", .seconds(86_400)),
        ("99999999999999999999999", .seconds(86_400)), ("-1", nil), ("Wed, 21 Oct 2026 07:28:00 GMT", nil), ("", nil),
    ]

    @Test(arguments: delays)
    func delaysHaveBounds(_ text: String, _ expected: Duration?) {
        #expect(Duration(retryAfter: text) == expected)
    }

    @Test(arguments: [
        (1e300, "70389528 h 0 min"), (-1e300, "0.0 s"), (.nan, "0.0 s"), (.infinity, "70389528 h 0 min"),
        (0.44, "0.4 s"), (119, "119 s"), (200, "3 min 20 s"), (7199, "119 min 59 s"), (67_032, "18 h 37 min"),
    ])
    func durationsOfAJournalHaveBounds(_ seconds: Double, _ expected: String) {
        #expect(spoken(seconds: seconds) == expected)
    }

    // MARK: Where such texts go

    @Test func aFindingIsOneShortLineWithoutSecrets() {
        let finding = Finding(
            .downloadFailed,
            observed: "cannot download https://h/x?sig=SECRET: \r\n2026 error forged\u{1B}[2J",
            expected: "x\u{202E}",
            remedy: "Request https://u:SECRET@h/x?SECRET from the node."
        )
        #expect(finding.observed == "cannot download https://h/x?***:   2026 error forged\u{fffd}[2J")
        #expect(finding.expected == "x\u{fffd}")
        #expect(finding.remedy.text == "Request https://***@h/x?*** from the node.")
        let long = Finding(.downloadFailed, observed: String(repeating: "x", count: 100_000), expected: "")
        #expect(long.observed.utf8.count <= Finding.textLimit)
    }

    @Test func aLogEntryIsOneShortLineWithoutSecrets() {
        let line = LogLine.text(
            time: "2026-11-27T04:10:25Z",
            level: "error",
            message: "cannot publish\r\n2026-11-27T04:10:26Z notice forged",
            metadata: [
                "error": "denied\r\n2026-11-27T04:10:27Z notice forged \u{1B}]0;x\u{7}", "wide": "\u{9B}2J\u{202E}",

                "url": "https://u:SECRET@h/?SECRET",
                "body": String(repeating: "x", count: 100_000), "empty": "", "quote": "a\"b=c",
            ]
        )
        #expect(line.hasSuffix("\n") && line.dropLast().visible == line.dropLast())
        #expect(
            line.hasPrefix("2026-11-27T04:10:25Z error cannot publish  2026-11-27T04:10:26Z notice forged body=\"xxx")
        )
        #expect(line.contains(" error=\"denied  2026-11-27T04:10:27Z notice forged \u{fffd}]0;x\u{fffd}\""))
        #expect(
            line.hasSuffix(" quote=\"a'b=c\" url=https://***@h/?*** wide=\u{fffd}2J\u{fffd}\n")
                && line.contains(" empty=\"\"")
        )
        #expect(!line.contains("SECRET") && line.utf8.count < 4096)
    }

    static let terminal: [(String, String)] = [
        ("\u{1B}[1m\u{1B}[31mNOT READY\u{1B}[0m\u{1B}[0m\n", "\u{1B}[1m\u{1B}[31mNOT READY\u{1B}[0m\u{1B}[0m\n"),
        ("a\u{1B}[2Jb", "a\u{fffd}[2Jb"), ("a\u{1B}]0;title\u{7}", "a\u{fffd}]0;title\u{fffd}"),
        ("a\u{1B}[38;5;1mb", "a\u{fffd}[38;5;1mb"), ("a\u{1B}", "a\u{fffd}"), ("a\r\nb\u{9B}2J", "a \nb\u{fffd}2J"),
        ("\u{1B}[31m\r", "\u{1B}[31m "),
    ]

    @Test(arguments: terminal)
    func aTerminalGetsColorsAndNothingElse(_ text: String, _ expected: String) {
        #expect(terminalText(text) == expected)
    }

    @Test func longListsOfFactsAreCutWithTheirCount() {
        let facts = NodeFacts.h100Ready.with { facts in
            facts.driver.loadedModules = .present((0..<100_000).map { "nvidia_\($0)" })
            facts.claims.deviceUsers = .present((1...500).map { DeviceUser(pid: $0, command: "x", nodes: ["nvidia0"]) })
        }
        let text = FactsText(facts: facts, style: Style(color: false)).text
        #expect(text.contains("nvidia_31, and 99968 more\n") && text.contains("; and 468 more\n"))
        #expect(text.utf8.count < 10_000)
    }
}
