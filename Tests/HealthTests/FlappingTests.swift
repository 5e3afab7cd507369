import CoreSupport
import NodeModel
import TestSupport
import Testing

@testable import Health

/// A failure that comes and goes neither changes the verdict each time nor stays hidden.
@Suite struct FlappingTests {
    /// One inspection: its time in seconds, whether the check fails, and the verdict that the daemon publishes.
    typealias Look = (second: Int, fails: Bool, verdict: Verdict)

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var code: ReasonCode
        var state = Finding.State.failed
        var looks: [Look]
    }

    static let cases = [
        Case(
            testDescription: "alternates with each inspection, and then stays away",
            code: .cudaFailed,
            looks: [
                (0, false, .ready), (60, true, .ready), (120, false, .ready), (180, true, .ready), (240, false, .ready),
                // The third beginning. From here on, nothing toggles.
                (300, true, .notReady), (360, false, .notReady), (420, true, .notReady), (480, false, .notReady),
                (1319, false, .notReady), (1320, false, .ready),
                // It is forgotten.
                (1400, true, .ready), (1460, true, .notReady), (1500, false, .ready),
            ]
        ),
        Case(
            testDescription: "a warning",
            code: .gpuCount,
            state: .warning,
            looks: [
                (0, false, .ready), (300, true, .ready), (600, false, .ready), (900, true, .ready),
                (1200, false, .ready), (1500, true, .degraded), (1800, false, .degraded), (2100, true, .degraded),
                (3000, false, .ready),
            ]
        ),
        Case(
            testDescription: "the agent cannot tell from time to time",
            code: .nvmlUnavailable,
            state: .unknown,
            looks: [
                (0, false, .ready), (60, true, .ready), (120, false, .ready), (180, true, .ready), (240, false, .ready),
                (300, true, .unknown), (360, false, .unknown),
            ]
        ),
        Case(
            testDescription: "a burst within its settling time",
            code: .deviceNodesMissing,
            looks: [
                (0, false, .ready), (10, true, .ready), (12, false, .ready), (14, true, .ready), (16, false, .ready),
                (18, true, .ready), (20, false, .ready), (60, false, .ready),
            ]
        ),
        Case(
            testDescription: "twice, as when a GPU is reset twice",
            code: .cudaFailed,
            looks: [
                (0, false, .ready), (10, true, .ready), (70, true, .notReady), (80, false, .ready), (100, true, .ready),
                (160, true, .notReady), (170, false, .ready),
            ]
        ),
        Case(
            testDescription: "one that does not disappear without an action",
            code: .driverNotLoaded,
            looks: [
                (0, false, .ready), (10, true, .notReady), (20, false, .ready), (30, true, .notReady),
                (40, false, .ready), (50, true, .notReady), (60, false, .ready),
            ]
        ),
        Case(
            testDescription: "failures before the node worked are no part of it",
            code: .cudaFailed,
            looks: [
                (0, true, .notReady), (10, false, .ready), (20, true, .ready), (30, false, .ready), (40, true, .ready),
                (50, false, .ready),
            ]
        ),
    ]

    private func report(_ code: ReasonCode, _ state: Finding.State?) -> NodeReport {
        let findings = CheckRegistry.checks.filter(\.looksAtTheNode).map { check in
            let state = check.code == code ? state : nil
            return Finding(check.code, state ?? .pass, observed: "x", expected: "y", remedy: "Repair it.")
        }
        let readiness: Readiness = state == .failed ? .notUsable : state == .unknown ? .unknown : .usable
        let decider = findings.decider
        return NodeReport(
            verdict: Verdict(decidedBy: decider, readiness),
            readiness: readiness,
            reason: decider?.code,
            nextAction: "raw",
            findings: findings
        )
    }

    @Test(arguments: cases) func aFailureThatComesAndGoes(_ row: Case) {
        let start = ContinuousClock.now
        var settling = Settling()
        for look in row.looks {
            let raw = report(row.code, look.fails ? row.state : nil)
            let settled = settling.settle(raw, at: start + .seconds(look.second))
            #expect(settled.verdict == look.verdict, "at \(look.second) s")
            #expect(settled.reason == (look.verdict == .ready ? nil : row.code), "at \(look.second) s")
            // A failure that does not count yet leaves open whether the GPUs work when nobody could tell.
            if row.state != .unknown {
                let isUsable = [.ready, .degraded].contains(look.verdict)
                #expect((settled.readiness == .usable) == isUsable, "at \(look.second) s")
            }
            #expect(settled.findings.map(\.code) == raw.findings.map(\.code))
        }
    }

    /// A person who reads the finding sees that the check passes, and the daemon looks again when it no longer counts.
    @Test func saysWhyAFailureThatIsGoneCounts() throws {
        let start = ContinuousClock.now
        var settling = Settling()
        for second in [0, 60, 120, 180, 240, 300] {
            _ = settling.settle(report(.cudaFailed, second % 120 == 60 ? .failed : nil), at: start + .seconds(second))
        }
        let now = start + .seconds(360)
        let finding = try #require(settling.settle(report(.cudaFailed, nil), at: now).finding(.cudaFailed))
        #expect(finding.state == .failed && finding.remedy.text == "Repair it.")
        #expect(finding.observed.hasPrefix("x (The check passes now. It failed 3 times,"))
        #expect(settling.nextChange(after: now) == .seconds(300 + 900 - 360))
    }

    /// Another failure explains this one, which the report then omits: nobody knows whether it is gone.
    @Test func aFindingThatIsOmittedIsNotGone() {
        let start = ContinuousClock.now
        var settling = Settling()
        _ = settling.settle(report(.cudaFailed, nil), at: start)
        for second in stride(from: 10, through: 90, by: 10) {
            var report = report(.cudaFailed, .failed)
            if second % 20 == 0 { report.findings.removeAll { $0.code == .cudaFailed } }
            #expect(settling.settle(report, at: start + .seconds(second)).finding(.cudaFailed)?.state != .failed)
        }
    }
}
