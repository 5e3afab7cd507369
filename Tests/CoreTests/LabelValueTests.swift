import CoreSupport
import Health
import NodeModel
import Planning
import Reporting
import Selection
import TestSupport
import Testing

@Suite struct LabelValueTests {
    /// The rule of Kubernetes for label values.
    static func isValid(_ value: String) -> Bool {
        let rule = #/(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?/#
        return value.utf8.count <= 63 && value.wholeMatch(of: rule) != nil
    }

    @Test(arguments: [
        ("NVIDIA H100 NVL", "NVIDIA-H100-NVL"),
        ("NVIDIA  A100\tSXM4 ", "NVIDIA-A100SXM4"),
        ("NVIDIA RTX™ PRO (6000)", "NVIDIA-RTX-PRO-6000"),
        ("Tesla_T4.x-y", "Tesla_T4.x-y"),
        ("  ", ""),
        ("", ""),
    ])
    func aProductIsWrittenAsFeatureDiscoveryWritesIt(_ name: String, _ written: String) {
        #expect(productName(name) == written)
    }

    @Test(arguments: [
        ("595.91.07", "595.91.07"), ("", ""), ("-._", ""), ("--a--", "a"), ("a b", "a-b"), ("grün", "gr-n"),
        ("a\r\nb", "a-b"), ("x=1,y=2", "x-1-y-2"), ("１２", ""),
        (String(repeating: "a", count: 64), String(repeating: "a", count: 63)),
        (String(repeating: "a", count: 62) + ".b", String(repeating: "a", count: 62)),
    ])
    func anyTextBecomesAValue(_ text: String, _ value: String) {
        #expect(labelValue(text) == value)
        #expect(Self.isValid(labelValue(text)))
    }

    @Test func noTextMakesAnInvalidValue() {
        var random = SeededGenerator(seed: 63)
        let ranges: [ClosedRange<UInt32>] = [0x20...0x7e, 0x2d...0x5f, 0x00...0xff, 0x300...0x36f, 0x1f300...0x1f6ff]
        for _ in 0..<5000 {
            var text = ""
            for _ in 0..<Int.random(in: 0...90, using: &random) {
                let range = ranges[Int.random(in: 0..<ranges.count, using: &random)]
                if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) {
                    text.unicodeScalars.append(scalar)
                }
            }
            for value in [labelValue(text), labelValue(productName(text))] where !Self.isValid(value) {
                Issue.record("'\(value)' of '\(text)'")
            }
            #expect(labelValue(labelValue(text)) == labelValue(text))
        }
    }

    @Test func everyLabelOfEveryNodeIsValid() throws {
        let catalog = try repositoryCatalog()
        var source = RandomFacts(seed: 5)
        for _ in 0..<3000 {
            let facts = source.facts()
            let policy = source.policy()
            let decision = Selection(catalog: catalog, policy: policy).decide(facts)
            let plan = Planner().plan(facts, decision, journal: nil)
            let report = Checks(facts: facts, plan: plan).report()
            let publication = Publication.of(facts, plan, report, policy)
            for (key, value) in publication.labels where !Self.isValid(value) { Issue.record("\(key)=\(value)") }
            #expect(publication.undetermined.isDisjoint(with: publication.labels.keys))
            #expect(publication.labels["gpu-agent.dev/verdict"] == report.verdict.rawValue)
            if decision.action == .idle || decision.action == .blocked { #expect(plan.steps.isEmpty) }
            if report.verdict == .ready {
                #expect(report.findings.allSatisfy { [.pass, .notApplicable, .notice].contains($0.state) })
            }
            // A failure is the reason for the verdict, unless the agent waits, or cannot tell whether the GPUs work.
            let hasFailed = report.findings.contains { $0.state == .failed }
            let isOpen = report.verdict == .waiting || (report.verdict == .unknown && report.readiness == .unknown)
            #expect(hasFailed == (report.verdict == .notReady) || isOpen)
            // A node whose GPUs work never gets the taint.
            #expect(report.readiness != .usable || publication.taint == .absent)
        }
    }

    @Test(arguments: [
        (1, 0, "tesla"), (2, 1, "fermi"), (3, 7, "kepler"), (4, 0, "undefined"), (5, 3, "maxwell"), (6, 1, "pascal"),
        (7, 0, "volta"), (7, 2, "volta"), (7, 5, "turing"), (8, 0, "ampere"), (8, 6, "ampere"), (8, 7, "ampere"),
        (8, 9, "ada-lovelace"), (9, 0, "hopper"), (10, 0, "blackwell"), (10, 3, "blackwell"), (11, 0, "undefined"),
        (12, 0, "blackwell"), (13, 0, "rubin"), (14, 0, "undefined"),
    ])
    func familiesAreFeatureDiscoverys(_ major: Int, _ minor: Int, _ family: String) {
        #expect(familyName(ComputeCapability(major: major, minor: minor)) == family)
    }
}
