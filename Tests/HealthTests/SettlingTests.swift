import CoreSupport
import Health
import NodeModel
import TestSupport
import Testing

/// A failure counts only after it has lasted for some time.
@Suite struct SettlingTests {
    /// One inspection: its time in seconds, the failed checks, and the expected verdict and reason of the daemon.
    struct Look: Sendable {
        var second: Int
        var failing: [ReasonCode: Finding.State]
        var verdict: Verdict
        var reason: ReasonCode?

        init(_ second: Int, _ failing: [ReasonCode: Finding.State], _ verdict: Verdict, _ reason: ReasonCode? = nil) {
            (self.second, self.failing, self.verdict, self.reason) = (second, failing, verdict, reason)
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var looks: [Look]

        init(_ name: String, _ looks: [Look]) { (testDescription, self.looks) = (name, looks) }
    }

    static let cases: [Case] = [
        Case(
            "counts once it has lasted",
            [
                Look(0, [:], .ready),
                Look(10, [.deviceNodesMissing: .failed], .ready),
                Look(24, [.deviceNodesMissing: .failed], .ready),
                Look(25, [.deviceNodesMissing: .failed], .notReady, .deviceNodesMissing),
                Look(500, [.deviceNodesMissing: .failed], .notReady, .deviceNodesMissing),
            ]
        ),
        Case(
            "is forgotten when it passes",
            [
                Look(0, [:], .ready),
                Look(10, [.deviceNodesMissing: .failed], .ready),
                Look(20, [:], .ready),
                Look(30, [.deviceNodesMissing: .failed], .ready),
                Look(45, [.deviceNodesMissing: .failed], .notReady, .deviceNodesMissing),
            ]
        ),
        Case(
            "counts at once before the node has worked",
            [
                Look(0, [.deviceNodesMissing: .failed], .notReady, .deviceNodesMissing),
                Look(1, [.deviceNodesMissing: .failed, .cudaFailed: .failed], .notReady, .deviceNodesMissing),
                Look(2, [.cudaFailed: .failed], .notReady, .cudaFailed),
                Look(3, [:], .ready),
                Look(4, [.cudaFailed: .failed], .ready),
                Look(64, [.cudaFailed: .failed], .notReady, .cudaFailed),
            ]
        ),
        Case(
            "that a check without a settling time finds counts at once",
            [Look(0, [:], .ready), Look(10, [.driverNotLoaded: .failed], .notReady, .driverNotLoaded)]
        ),
        Case(
            "leaves another one in force",
            [
                Look(0, [:], .ready),
                Look(10, [.deviceNodesMissing: .failed, .guestMIGMismatch: .warning], .degraded, .guestMIGMismatch),
                Look(25, [.deviceNodesMissing: .failed, .guestMIGMismatch: .warning], .notReady, .deviceNodesMissing),
            ]
        ),
        Case(
            "each has its own time",
            [
                Look(0, [:], .ready),
                Look(10, [.gpuCount: .warning], .ready),
                Look(60, [.gpuCount: .warning, .nvmlUnavailable: .unknown], .ready),
                Look(70, [.gpuCount: .warning, .nvmlUnavailable: .unknown], .degraded, .gpuCount),
                Look(90, [.gpuCount: .warning, .nvmlUnavailable: .unknown], .unknown, .nvmlUnavailable),
            ]
        ),
        Case(
            "settles on a degraded node too, and what degrades it stays",
            [
                Look(0, [.licenseMissing: .warning], .degraded, .licenseMissing),
                Look(10, [.licenseMissing: .warning, .cudaFailed: .failed], .degraded, .licenseMissing),
                Look(70, [.licenseMissing: .warning, .cudaFailed: .failed], .notReady, .cudaFailed),
            ]
        ),
    ]

    private func report(_ look: Look) -> NodeReport {
        let findings = CheckRegistry.checks.filter(\.looksAtTheNode).map { check in
            Finding(check.code, look.failing[check.code] ?? .pass, observed: "x", expected: "y", remedy: "Repair it.")
        }
        let decider = findings.decider
        let verdict: Verdict =
            switch decider?.state {
            case .failed: .notReady
            case .unknown: .unknown
            case .warning: .degraded
            default: .ready
            }
        // The failing checks of these cases are all checks of the GPUs.
        let readiness = verdict == .notReady ? Readiness.notUsable : .usable
        return NodeReport(
            verdict: verdict,
            readiness: readiness,
            reason: decider?.code,
            nextAction: "raw",
            findings: findings
        )
    }

    @Test(arguments: cases)
    func aFailure(_ row: Case) {
        let start = ContinuousClock.now
        var settling = Settling()
        for look in row.looks {
            let raw = report(look)
            let settled = settling.settle(raw, at: start + .seconds(look.second))
            #expect(settled.verdict == look.verdict, "at \(look.second) s")
            #expect(settled.reason == look.reason, "at \(look.second) s")
            #expect(settled.findings.map(\.code) == raw.findings.map(\.code))
            // What does not count yet is there to be read, and nothing that fails is shown as passed.
            for finding in settled.findings {
                let isFailing = look.failing[finding.code] != nil
                #expect((finding.state == .pass) != isFailing)
                #expect(finding.observed.contains("counts as a failure in") == (finding.state == .notice))
            }
        }
    }

    @Test func saysWhenToLookAgain() {
        let start = ContinuousClock.now
        var settling = Settling()
        _ = settling.settle(report(Look(0, [:], .ready)), at: start)
        #expect(settling.nextChange(after: start) == nil)
        let failing = report(Look(0, [.deviceNodesMissing: .failed, .cudaFailed: .failed], .notReady))
        let settled = settling.settle(failing, at: start + .seconds(1))
        #expect(settled.nextAction.hasPrefix("Wait. "))
        #expect(settled.findings.contains { $0.observed == "x (This finding counts as a failure in 15 seconds.)" })
        #expect(settling.nextChange(after: start + .seconds(1)) == .seconds(15))
        #expect(settling.nextChange(after: start + .seconds(16)) == .seconds(45))
        #expect(settling.nextChange(after: start + .seconds(61)) == nil)
    }

    @Test func leavesOtherVerdictsAlone() throws {
        var settling = Settling()
        _ = settling.settle(try .made(for: .h100Ready), at: .now)
        var installing = try NodeReport.made(for: .h100)
        installing.verdict = .installing
        for report in [installing, try .made(for: .noGPU)] {
            #expect(settling.settle(report, at: .now) == report)
        }
    }
}
