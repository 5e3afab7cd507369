import CoreSupport
import Health
import NodeModel
import Reporting
import TestSupport
import Testing

/// The answer of `gpu-agent validate`, on which its exit code depends.
@Suite struct ValidationOutcomeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String { "\(verdict.rawValue) \(expectation?.rawValue ?? "-") \(rules)" }
        var verdict: Verdict
        var expectation: Finding.State?
        var rules = ValidationRules()
        var outcome: ValidationOutcome

        init(
            _ verdict: Verdict,
            _ outcome: ValidationOutcome,
            _ expectation: Finding.State? = nil,
            _ failOn: FailOn = .unknown,
            allowsNoGPU: Bool = false
        ) {
            (self.verdict, self.outcome, self.expectation) = (verdict, outcome, expectation)
            rules = ValidationRules(failOn: failOn, allowsNoGPU: allowsNoGPU)
        }

        static let all = [
            Case(.ready, .success), Case(.degraded, .success), Case(.notReady, .failed), Case(.installing, .installing),
            Case(.waiting, .installing), Case(.noGPU, .noGPU), Case(.noGPU, .success, allowsNoGPU: true),
            Case(.unknown, .unknown), Case(.leftAlone, .leftAlone),
            // A stricter or a milder rule
            Case(.degraded, .failed, nil, .warning), Case(.ready, .success, nil, .warning),
            Case(.unknown, .unknown, nil, .warning), Case(.unknown, .success, nil, .failed),
            Case(.notReady, .failed, nil, .failed), Case(.installing, .installing, nil, .failed),
            // Expectations
            Case(.ready, .success, .pass), Case(.ready, .failed, .failed), Case(.ready, .failed, .failed, .failed),
            Case(.ready, .unknown, .unknown), Case(.ready, .success, .unknown, .failed),
            Case(.unknown, .failed, .failed), Case(.installing, .installing, .failed),
            Case(.noGPU, .noGPU, .failed), Case(.noGPU, .failed, .failed, allowsNoGPU: true),
            Case(.leftAlone, .leftAlone, .failed),
        ]
    }

    @Test(arguments: Case.all)
    func follows(_ row: Case) {
        let expectation = row.expectation.map {
            Finding(.expectationNotMet, $0, observed: "1", expected: "2", remedy: "x")
        }
        let report = NodeReport(verdict: row.verdict, reason: nil, nextAction: "Wait.", findings: [])
        let document = ValidationDocument(report, rules: row.rules, expectations: [expectation].compactMap(\.self))
        #expect(document.outcome == row.outcome)
        #expect(document.success == (row.outcome == .success))
        #expect(document.verdict == row.verdict)
    }

    @Test func anUnmetExpectationIsTheReasonOnANodeThatWorks() {
        let unmet = Finding(.expectationNotMet, observed: "1", expected: "2", remedy: "Look.")
        let ready = NodeReport(verdict: .ready, reason: nil, nextAction: "Nothing.", findings: [])
        let document = ValidationDocument(ready, expectations: [unmet])
        #expect(document.reason == .expectationNotMet && document.nextAction == "Look.")
        let broken = NodeReport(verdict: .notReady, reason: .cudaFailed, nextAction: "Repair.", findings: [])
        #expect(ValidationDocument(broken, expectations: [unmet]).reason == .cudaFailed)
    }

    @Test func onlyWhatCanChangeIsWorthAWait() {
        let waiting = ValidationOutcome.allCases.filter(\.canChange)
        #expect(waiting == [.failed, .installing, .unknown])
    }
}
