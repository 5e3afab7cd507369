import CoreSupport
import Health
import NodeModel
import Planning
import Reporting
import TestSupport
import Testing

/// Which conditions a Node should have.
@Suite struct NodeConditionsTests {
    private static let types = ConditionTypes()

    private static func finding(
        _ code: ReasonCode,
        _ state: Finding.State = .failed,
        remedy: String = "Do this."
    ) -> Finding {
        var finding = Finding(code, state, observed: "the agent saw that", expected: "e", remedy: remedy)
        finding.title = "all is good"
        return finding
    }

    private static func report(
        _ verdict: Verdict,
        _ readiness: Readiness,
        _ findings: [Finding] = []
    ) -> NodeReport {
        NodeReport(
            verdict: verdict,
            readiness: readiness,
            reason: findings.first?.code,
            nextAction: "Next action.",
            findings: findings
        )
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var report: NodeReport
        /// The status and the reason of each condition; nil when the Node has none.
        var ready: String?
        var healthy: String?

        init(_ name: String, _ report: NodeReport, _ ready: String?, _ healthy: String?) {
            (testDescription, self.report, self.ready, self.healthy) = (name, report, ready, healthy)
        }
    }

    static let cases: [Case] = [
        Case("ready", report(.ready, .usable), "True CUDAWorks", "True NoFault"),
        Case(
            "a driver that the agent would not choose",
            report(.degraded, .usable, [finding(.foreignDriver, .warning)]),
            "True CUDAWorks",
            "True NoFault"
        ),
        Case(
            "one GPU of two is lost",
            report(.degraded, .usable, [finding(.gpuLost, .warning)]),
            "True CUDAWorks",
            "False GPULost"
        ),
        Case(
            "the agent may not read one GPU of two, and would not choose the driver",
            report(.degraded, .usable, [finding(.foreignDriver, .warning), finding(.gpuUnreadable, .warning)]),
            "True CUDAWorks",
            "Unknown GPUUnreadable"
        ),
        Case(
            "no driver",
            report(.notReady, .notUsable, [finding(.driverMissing)]),
            "False DriverMissing",
            "Unknown DriverMissing"
        ),
        Case(
            "CUDA hangs",
            report(.notReady, .notUsable, [finding(.cudaHang)]),
            "False CUDAHang",
            "False CUDAHang"
        ),
        Case(
            "the fault is not the reason for the verdict",
            report(.notReady, .notUsable, [finding(.driverVersionSplit), finding(.gpuCount, .warning)]),
            "False DriverVersionSplit",
            "False GPUCount"
        ),
        // The old driver still works when an install begins.
        Case("installing", report(.installing, .usable), "False Installing", "True NoFault"),
        Case(
            "installing the first driver",
            report(.installing, .notUsable, [finding(.driverMissing)]),
            "False Installing",
            "Unknown Installing"
        ),
        Case(
            "waiting for the owner",
            report(.waiting, .notUsable, [finding(.ownershipUnknown, .unknown)]),
            "False OwnershipUnknown",
            "Unknown OwnershipUnknown"
        ),
        Case(
            "the bus cannot be read",
            report(.unknown, .unknown, [finding(.pciUnreadable, .unknown)]),
            "Unknown PCIUnreadable",
            "Unknown PCIUnreadable"
        ),
        Case("nothing is known", report(.unknown, .unknown), "Unknown NotKnown", "Unknown NotKnown"),
        Case("no GPU", report(.noGPU, .unknown, [finding(.noGPU, .notApplicable)]), nil, nil),
        Case("left alone", report(.leftAlone, .unknown, [finding(.vgpuHost, .notApplicable)]), nil, nil),
    ]

    @Test(arguments: cases)
    func followFromTheReport(_ item: Case) {
        let all = NodeConditions(item.report, facts: .h100Ready, types: Self.types).all
        let shown = Dictionary(all.map { ($0.type, "\($0.status.rawValue) \($0.reason)") }) { first, _ in first }
        #expect(shown["GPUReady"] == item.ready)
        #expect(shown["GPUHealthy"] == item.healthy)
        #expect(shown.count == [item.ready, item.healthy].compactMap(\.self).count)
    }

    @Test func everyVerdictWithEveryReadinessHasBothOrNone() {
        for verdict in Verdict.allCases {
            for readiness in Readiness.allCases {
                let all = NodeConditions(Self.report(verdict, readiness), facts: .h100Ready, types: Self.types).all
                #expect(all.count == ([.noGPU, .leftAlone].contains(verdict) ? 0 : 2))
                #expect(all.allSatisfy { !$0.reason.isEmpty && !$0.message.isEmpty })
            }
        }
    }

    @Test func theMessageHasTheCheckTheObservationAndTheRemedy() {
        func messages(_ report: NodeReport) -> [String] {
            NodeConditions(report, facts: .h100Ready, types: Self.types).all.map(\.message)
        }
        let missing = "Failed check: all is good. the agent saw that. Next action."
        #expect(messages(Self.report(.notReady, .notUsable, [Self.finding(.driverMissing)])) == [missing, missing])
        // The next action is about the reason for the verdict. The other finding has its own remedy.
        let two = Self.report(.notReady, .notUsable, [Self.finding(.driverMissing), Self.finding(.gpuCount)])
        #expect(messages(two).last == "Failed check: all is good. the agent saw that. Do this.")
        let unknown = Self.report(.unknown, .unknown, [Self.finding(.pciUnreadable, .unknown)])
        let first = "The agent cannot tell whether all is good. the agent saw that. Next action."
        #expect(messages(unknown).first == first)
        #expect(messages(Self.report(.ready, .usable)).first == "ready: Next action.")
    }

    /// What is observed can come from programs, files and servers.
    @Test func aMessageIsOneBoundedLineWithoutControlCharacters() {
        var report = Self.report(.notReady, .notUsable, [Self.finding(.driverMissing)])
        report.nextAction = "a\r\n\u{1b}[2Jb" + String(repeating: "é", count: 5000)
        for condition in NodeConditions(report, facts: .h100Ready, types: Self.types).all {
            #expect(condition.message.utf8.count <= NodeConditions.messageLimit)
            #expect(condition.message.contains("a  \u{fffd}[2Jb"))
            #expect(condition.message.hasSuffix("more bytes)"))
        }
    }

    /// The API server validates the reasons of `metav1.Condition` in this form.
    @Test func everyCodeHasItsOwnReason() {
        let reasons = CheckRegistry.checks.map(\.code).map(\.conditionReason)
        #expect(Set(reasons).count == reasons.count)
        for reason in reasons + ["CUDAWorks", "NoFault", "Installing", "NotKnown", "AgentStopped"] {
            #expect(reason.wholeMatch(of: /[A-Z][A-Za-z0-9]*/) != nil, "\(reason)")
        }
        let some: [ReasonCode] = [.driverMissing, .gpuLost, .migStrategyNone, .unknownVGPUType, .nvmlUnavailable]
        #expect(
            some.map(\.conditionReason) == [
                "DriverMissing", "GPULost", "MIGStrategyNoneUnderMIG", "UnknownVGPUType", "NVMLUnavailable",
            ]
        )
    }

    @Test func afterTheEndNothingIsKnown() {
        let shown = NodeConditions(
            Self.report(.ready, .usable),
            facts: .h100Ready,
            types: ConditionTypes(ready: "a.b/C")
        ).all
        let stopped = NodeConditions.stopped(shown)
        #expect(stopped.map(\.type) == ["a.b/C", "GPUHealthy"])
        #expect(stopped.allSatisfy { $0.status == .unknown && $0.reason == "AgentStopped" })
    }

    @Test func thePublicationHasThemUnlessTheConfigurationSaysNone() throws {
        let plan = try Plan.made(for: .h100Ready)
        let report = Checks(facts: .h100Ready, plan: plan).report()
        func published(_ policy: Policy) -> [String] {
            Publication.of(.h100Ready, plan, report, policy).conditions.map(\.type)
        }
        #expect(published(Policy()) == ["GPUReady", "GPUHealthy"])
        #expect(published(Policy(conditions: ConditionTypes(ready: "a.b/C"))) == ["a.b/C", "GPUHealthy"])
        #expect(published(Policy(conditions: nil)).isEmpty)
        let all = Publication.of(.h100Ready, plan, report, Policy())
        for mode in [AgentMode.label, .manage] { #expect(all.limited(to: mode).conditions == all.conditions) }
    }
}
