import Health
import NodeModel
import TestSupport
import Testing

/// The finding that decides the verdict.
@Suite struct SeverityTests {
    private static func finding(_ code: ReasonCode, _ state: Finding.State) -> Finding {
        Finding(code, state, observed: "x", expected: "y")
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var findings: [(ReasonCode, Finding.State)]
        var decider: ReasonCode?

        init(_ name: String, _ decider: ReasonCode?, _ findings: [(ReasonCode, Finding.State)]) {
            testDescription = name
            self.findings = findings
            self.decider = decider
        }
    }

    static let cases: [Case] = [
        Case("nothing", nil, []),
        Case("nothing that counts", nil, [(.cudaFailed, .pass), (.noGPU, .notApplicable), (.gpuCount, .notice)]),
        Case("a warning", .licenseMissing, [(.cudaFailed, .pass), (.licenseMissing, .warning)]),
        Case("a failure over all", .cudaFailed, [(.pciUnreadable, .unknown), (.cudaFailed, .failed)]),
        Case(
            "what cannot be told over what was skipped",
            .cudaFailed,
            [(.gpuCount, .skipped), (.cudaFailed, .unknown)]
        ),
        Case("what was skipped over a warning", .cudaFailed, [(.gpuCount, .warning), (.cudaFailed, .skipped)]),
        Case("an earlier phase first", .secureBoot, [(.driverMissing, .failed), (.secureBoot, .failed)]),
        Case(
            "a failed install before what it left",
            .installerFailed,
            [(.driverMissing, .failed), (.installerFailed, .failed)]
        ),
        Case(
            "a cause before what depends on it",
            .driverNotLoaded,
            [(.cudaFailed, .failed), (.driverNotLoaded, .failed)]
        ),
        Case(
            "what cannot be helped before what a package helps",
            .secureBoot,
            [(.compilerMissing, .failed), (.secureBoot, .failed)]
        ),
    ]

    @Test(arguments: cases)
    func decides(_ row: Case) {
        let findings = row.findings.map { Self.finding($0.0, $0.1) }
        #expect(findings.decider?.code == row.decider)
        #expect([Finding](findings.reversed()).decider?.code == row.decider)
    }

    /// The order of the findings must not change the verdict.
    @Test func knowsNoOrderOfTheFindings() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<200 {
            let findings = CheckRegistry.checks.map(\.code).shuffled(using: &generator).prefix(8).map {
                Self.finding($0, Finding.State.allCases.randomElement(using: &generator) ?? .pass)
            }
            #expect(findings.decider == findings.shuffled(using: &generator).decider)
        }
    }

    @Test func ofOneCodeTheFirstDecides() {
        let disks = ["/usr", "/var/lib"].map { Finding(.diskSpace, observed: $0, expected: "space") }
        #expect(disks.decider?.observed == "/usr")
    }
}
