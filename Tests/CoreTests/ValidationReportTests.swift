import CoreSupport
import Health
import NodeModel
import Reporting
import Support
import TestSupport
import Testing

/// The formats of a validation for other programs.
@Suite struct ValidationReportTests {
    /// Texts that other programs could take for their own syntax.
    static let hostile = [
        "<failure/>]]><!-- & \" '", "::error::stolen\n::add-mask::x\r\n##[error]y %0A",
        "\u{1B}[31m\u{0}\u{fffe}\u{ffff}\u{202e}",
        "x # SKIP\nnot ok 9 - more\n...\n1..0", "\\ # TODO #\u{301}", "%\u{301}0A, : =", "\u{1f600} ünï \u{2028}",
        String(repeating: "<", count: 5000),
    ]

    private static func document(
        _ text: String,
        _ state: Finding.State = .failed,
        rules: ValidationRules = ValidationRules()
    ) -> ValidationDocument {
        var finding = Finding(.cudaFailed, state, observed: "", expected: "", remedy: "")
        // A file of another program could set them so.
        (finding.title, finding.observed, finding.expected) = (text, text, text)
        finding.remedy = Remedy(text)
        let report = NodeReport(verdict: .notReady, reason: .cudaFailed, nextAction: text, findings: [finding])
        var document = ValidationDocument(report, rules: rules)
        document.note = text
        return document
    }

    @Test(arguments: hostile, Finding.State.allCases)
    func junitIsWellFormed(_ text: String, _ state: Finding.State) {
        let printed = JUnitReport(Self.document(text, state)).text
        #expect(WellFormedXML.problem(printed) == nil, "\(printed)")
        #expect(printed.split(separator: "<testcase ").count == 3)
    }

    @Test(arguments: hostile, Finding.State.allCases)
    func tapHasItsPointsAndNothingElse(_ text: String, _ state: Finding.State) {
        let lines = TAPReport(Self.document(text, state)).text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[0] == "TAP version 14" && lines[1] == "1..2" && lines.last == "")
        let points = lines.filter { $0.hasPrefix("ok ") || $0.hasPrefix("not ok ") }
        #expect(points.count == 2)
        for line in lines.dropFirst(2).dropLast() where !points.contains(line) {
            #expect(line.hasPrefix("  "), "\(line)")
        }
        // Of all number signs without a backslash before them, only that of a directive is left.
        let isSkipped = [.skipped, .notApplicable].contains(state)
        #expect(Self.unescapedSigns(in: points.joined()) <= (isSkipped ? 1 : 0), "\(points)")
    }

    /// The number signs without a backslash before them, by scalars: with a combining mark, the sign is another Character.
    private static func unescapedSigns(in text: String) -> Int {
        var (count, isEscaped) = (0, false)
        for scalar in text.unicodeScalars {
            if scalar == "#", !isEscaped { count += 1 }
            isEscaped = scalar == "\\" && !isEscaped
        }
        return count
    }

    @Test(arguments: hostile, Finding.State.allCases)
    func eachLineForGitHubIsItsOwnCommand(_ text: String, _ state: Finding.State) {
        let printed = GitHubReport(Self.document(text, state)).text
        let lines = printed.unicodeScalars.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r" }
        #expect(lines.count == 3 && lines[2].isEmpty)
        for line in lines.dropLast().map(String.init) {
            #expect(["::error ", "::warning ", "::notice ", "::debug::"].contains(where: line.hasPrefix), "\(line)")
            #expect(!line.contains("##["))
        }
    }

    @Test func theAnswerAsAWholeDecides() {
        let installing = NodeReport(verdict: .installing, reason: nil, nextAction: "Wait.", findings: [])
        let document = ValidationDocument(installing)
        #expect(JUnitReport(document).text.contains("tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\""))
        #expect(TAPReport(document).text.hasPrefix("TAP version 14\n1..1\nnot ok 1 - verdict: "))
        #expect(GitHubReport(document).text.hasPrefix("::error title=gpu-agent%3A verdict::"))
    }

    /// A node that the rules accept fails no case, whatever its checks say.
    @Test(arguments: [(FailOn.failed, "0", "0"), (.unknown, "0", "2"), (.warning, "1", "2")])
    func casesFailAsTheCommandDoes(_ failOn: FailOn, _ failures: String, _ errors: String) {
        let findings = [
            Finding(.persistenceModeOff, .warning, observed: "off", expected: "on"),
            Finding(.gpuCount, .unknown, observed: "no answer", expected: "2"),
        ]
        let report = NodeReport(verdict: .unknown, reason: .gpuCount, nextAction: "Look.", findings: findings)
        let document = ValidationDocument(report, rules: ValidationRules(failOn: failOn))
        let printed = JUnitReport(document).text
        #expect(printed.contains("failures=\"\(failures)\" errors=\"\(errors)\""), "\(printed)")
        #expect(document.success == (failOn == .failed))
    }

    @Test func aReportShowsWhatIsNeeded() throws {
        let document = ValidationDocument(try NodeReport.made(for: .h100))
        #expect(
            JUnitReport(document).text.contains(
                "<testcase classname=\"gpu-agent.driver\" name=\"driver-missing: "
            )
        )
        #expect(GitHubReport(document).text.contains("::error title=gpu-agent%3A driver-missing::"))
        #expect(TAPReport(document).text.contains("  remedy: \"Run 'gpu-agent install'.\"\n"))
    }

    @Test func anInterruptedCommandSaysSo() throws {
        let whole = ValidationDocument(try NodeReport.made(for: .h100Ready))
        let document = whole.interrupted("SIGTERM ended the command while it waited.")
        #expect(document.outcome == .interrupted && !document.success)
        #expect(TAPReport(document).text.contains("not ok 1 - verdict"))
        #expect(JUnitReport(document).text.contains("SIGTERM ended the command"))
        #expect(document.text(Style(color: false)).contains("\nSIGTERM ended the command while it waited.\n"))
        let none = ValidationDocument(without: .interrupted, note: "SIGTERM.", rules: ValidationRules())
        #expect(WellFormedXML.problem(JUnitReport(none).text) == nil)
        #expect(TAPReport(none).text.contains("1..1\n"))
    }
}
