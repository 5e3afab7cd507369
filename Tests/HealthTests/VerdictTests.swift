import CoreSupport
import Health
import NodeModel
import Planning
import TestSupport
import Testing

/// The verdict of a node, its reason, and the next action.
@Suite struct VerdictTests {
    private static let broken = Finding(.installerFailed, observed: "exit 1", expected: "exit 0", remedy: "see the log")
    private static let noCompiler = Finding(.compilerMissing, observed: "none", expected: "gcc", remedy: "install gcc")

    private func report(
        _ facts: NodeFacts,
        _ plan: Plan,
        installing: Bool = false,
        lastFailure: Finding? = nil
    ) -> NodeReport {
        Checks(facts: facts, plan: plan, installing: installing, lastFailure: lastFailure).report()
    }

    @Test func theNodesOfTheDemo() throws {
        for (facts, verdict, reason) in [
            (NodeFacts.rtxProReady, Verdict.ready, nil), (.h100Ready, .ready, nil), (.noGPU, .noGPU, .noGPU),
            (.unknownGPU, .notReady, .unknownGPU), (.rtxProVGPU, .notReady, .driverMissing),
            (.h100, .notReady, ReasonCode?.some(.driverMissing)),
        ] {
            let report = try NodeReport.made(for: facts)
            #expect(report.verdict == verdict)
            #expect(report.reason == reason)
        }
    }

    /// Nothing is installed on unknown hardware.
    ///
    /// But pods can use a GPU on which the driver works.
    @Test func anUnknownGPUOnWhichTheDriverWorksIsAWarning() throws {
        let working = NodeFacts.h100Ready.with { facts in
            facts.driver.record = .absent
            facts = facts.withGPU { $0.id.device = 0xffff }
        }
        let report = try NodeReport.made(for: working)
        #expect(report.verdict == .degraded)
        #expect(report.reason == .unknownGPU)
        let failing = working.with { facts in
            guard var vendor = facts.vendor.value else { return }
            vendor.cuda = .present([
                CUDAFacts(visibleDevices: nil, result: 100, errorName: "CUDA_ERROR_NO_DEVICE", deviceCount: 0)
            ])
            facts.vendor = .present(vendor)
        }
        #expect(try NodeReport.made(for: failing).verdict == .notReady)
        let unloaded = working.with {
            $0.driver = $0.driver.unloaded
            $0.vendor = .absent
        }
        #expect(try NodeReport.made(for: unloaded).verdict == .notReady)
    }

    @Test func aNodeIsReadyOnlyWhenEveryCheckPassed() throws {
        let report = try NodeReport.made(for: .rtxProReady)
        #expect(report.findings.allSatisfy { $0.state == .pass || $0.state == .notApplicable })
        #expect(report.findings.count { $0.state == .pass } >= 9)
        #expect(report.nextAction == "CUDA works on this node. Nothing to do.")
    }

    @Test func aNodeWithoutAGPUHasOneFinding() throws {
        let report = try NodeReport.made(for: .noGPU)
        #expect(report.findings.map(\.state) == [.notApplicable])
        #expect(report.nextAction == "Nothing to do on this node.")
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var facts: NodeFacts
        var verdict: Verdict
        var reason: ReasonCode?

        init(_ name: String, _ verdict: Verdict, _ reason: ReasonCode?, _ change: (inout NodeFacts) -> Void) {
            testDescription = name
            facts = NodeFacts.rtxProReady.with { facts in
                facts.pci = .present([.rtxProVGPU, .rtxProVGPU.at(bus: 1)])
                facts.vendor = .answering("595.91.07", gpus: [.rtxProVGPU.at(index: 0), .rtxProVGPU.at(index: 1)])
                change(&facts)
            }
            self.verdict = verdict
            self.reason = reason
        }
    }

    private static func unlicensed(_ facts: inout NodeFacts) {
        facts = facts.withNVML { $0.gpus[0].license = .present(LicenseFacts(licensed: false, product: nil)) }
    }

    private static func cudaFails(_ facts: inout NodeFacts) {
        guard var vendor = facts.vendor.value else { return }
        vendor.cuda = .absent
        facts.vendor = .present(vendor)
    }

    static let cases: [Case] = [
        Case("two good GPUs", .ready, nil) { _ in },
        Case("a vGPU without a license", .notReady, .licenseMissing, unlicensed),
        Case("a GPU of two is lost", .degraded, .gpuCount) { $0 = $0.withNVML { $0.gpus[1] = .lost(index: 1) } },
        Case("a failure", .notReady, .cudaFailed, cudaFails),
        Case("a failure weighs more than a warning", .notReady, .cudaFailed) {
            $0 = $0.withNVML { $0.gpus[1] = .lost(index: 1) }
            cudaFails(&$0)
        },
        Case("the first failure is the reason", .notReady, .driverNotLoaded) {
            $0.driver.loadedVersion = .absent
            cudaFails(&$0)
        },
        Case("something that cannot be told", .unknown, .deviceNodesMissing) {
            $0.driver.deviceNodes = .unreadable(.denied)
        },
        Case("what cannot be told weighs more than a warning", .unknown, .deviceNodesMissing) {
            $0.driver.deviceNodes = .unreadable(.denied)
            $0 = $0.withNVML { $0.gpus[1] = .lost(index: 1) }
        },
        Case("a failure weighs more than what cannot be told", .notReady, .cudaFailed) {
            $0.driver.deviceNodes = .unreadable(.denied)
            cudaFails(&$0)
        },
        Case("nobody asked the vendor's libraries", .unknown, .nvmlUnavailable) {
            $0.vendor = .skipped("no vendor library is loaded without a host process")
        },
        Case("nobody asked CUDA", .unknown, .cudaFailed) { facts in
            guard var vendor = facts.vendor.value else { return }
            vendor.cuda = .skipped("not asked")
            facts.vendor = .present(vendor)
        },
        Case("a bus that cannot be read, and a good driver", .degraded, .pciUnreadable) {
            $0.pci = .unreadable(.denied)
        },
    ]

    @Test(arguments: cases)
    func judges(_ row: Case) throws {
        let report = try NodeReport.made(for: row.facts)
        #expect(report.verdict == row.verdict)
        #expect(report.reason == row.reason)
        #expect(!report.nextAction.isEmpty)
    }

    @Test func whatCannotBeToldIsNoFailure() {
        for code in [ReasonCode.pciUnreadable, .driverUnreadable, .hostUnreadable] {
            let problem = Finding(code, observed: "x", expected: "y", remedy: "z")
            let report = report(.h100, .blocked([problem]))
            #expect(report.verdict == .unknown && report.reason == code && report.nextAction == "z")
        }
        let problem = Finding(.noDriverFits, observed: "x", expected: "y", remedy: "z")
        #expect(report(.h100, .blocked([problem])).verdict == .notReady)
    }

    @Test func whatStandsInTheWayComesBeforeWhatIsMissing() throws {
        var plan = try Plan.made(for: .h100)
        plan.problems = [Self.noCompiler]
        let report = report(.h100, plan)
        #expect(report.findings.map(\.code) == [.compilerMissing, .driverMissing])
        #expect(report.reason == .compilerMissing && report.nextAction == "install gcc")
    }

    @Test func withoutObstaclesTheNextActionIsToInstall() throws {
        let plan = try Plan.made(for: .h100)
        #expect(report(.h100, plan).nextAction == "Run 'gpu-agent install'.")
        let failed = report(.h100, plan, lastFailure: Self.broken)
        #expect(failed.verdict == .notReady && failed.reason == .installerFailed)
        #expect(failed.nextAction == "see the log")
        #expect(failed.finding(.installerFailed)?.observed == "exit 1")
    }

    @Test func whileAnInstallGoesOnThatIsTheVerdict() throws {
        let plan = try Plan.made(for: .h100)
        let first = report(.h100, plan, installing: true)
        #expect(first.verdict == .installing && first.reason == .driverMissing)
        #expect(first.nextAction.contains("validate --wait"))
        let last = report(.h100Ready, .adoptedH100, installing: true)
        #expect(last.verdict == .installing && last.reason == nil)
        #expect(report(.noGPU, try .made(for: .noGPU), installing: true).verdict == .noGPU)
    }

    @Test func aReadyNodeWhosePlanHasStepsLeftSaysSo() throws {
        let plan = try Plan.made(for: .h100Ready, policy: Policy(branch: 580))
        #expect(!plan.steps.isEmpty)
        let report = report(.h100Ready, plan)
        #expect(report.verdict == .ready)
        #expect(report.nextAction.hasPrefix("Run 'gpu-agent install'"))
    }

    @Test func aBlockedNodeShowsTheDriverThatIsThere() throws {
        let facts = NodeFacts.rtxProVGPU.with { $0.driver = .loaded("595.71.05", .open, kind: .datacenter) }
        let report = try NodeReport.made(for: facts)
        #expect(report.reason == .foreignDriver)
        #expect(report.finding(.driverVersionSplit)?.state == .pass)
        #expect(report.finding(.nvmlUnavailable)?.state == .failed)
    }

    @Test func aWorkingDriverOfOursThatCannotBeReplacedDegradesTheNode() throws {
        var plan = try Plan.made(for: .h100Ready, policy: Policy(branch: 580))
        plan.problems = [Self.noCompiler]
        let refused = report(.h100Ready, plan)
        #expect(refused.verdict == .degraded && refused.reason == .compilerMissing)
        #expect(refused.nextAction == "install gcc")
        let failed = report(
            .h100Ready,
            try .made(for: .h100Ready, policy: Policy(branch: 580)),
            lastFailure: Self.broken
        )
        #expect(failed.verdict == .degraded && failed.reason == .installerFailed)
        // The same obstacle where CUDA does not work.
        let broken = NodeFacts.h100Ready.with { $0.vendor = .unreadable(ReadFailure(.hang, "nvmlInit_v2")) }
        #expect(report(broken, plan).verdict == .notReady)
        // Whoever installed the driver.
        let foreign = NodeFacts.h100Ready.with { $0.driver.record = .absent }
        #expect(report(foreign, plan).verdict == .degraded)
    }

    /// An install alone does not help while another file is in place of a device node.
    @Test func theNextActionRemovesAFileBeforeTheInstall() throws {
        let facts = NodeFacts.h100Ready.with { facts in
            facts.driver.deviceNodes = .present(["nvidia0", "nvidiactl"])
            facts.driver.unusableNodes = ["nvidia-uvm": "is not a device node"]
        }
        let report = try NodeReport.made(for: facts)
        #expect(report.verdict == .notReady && report.reason == .deviceNodesMissing)
        #expect(report.nextAction == "Remove /dev/nvidia-uvm, then run 'gpu-agent install'.")
        #expect(report.finding(.deviceNodesMissing)?.remedy.command == "rm /dev/nvidia-uvm && gpu-agent install")
    }

    @Test func aNoticeChangesNoVerdict() throws {
        let facts = NodeFacts.h100Ready.withNVML { $0.gpus[0].traits[.persistenceMode] = .present(.flag(false)) }
        let report = try NodeReport.made(for: facts)
        #expect(report.finding(.persistenceModeOff)?.state == .notice)
        #expect(report.verdict == .ready && report.reason == nil)
        #expect(report.nextAction == "CUDA works on this node. Nothing to do.")
    }

    /// CUDA still works on such a GPU, and the node has no other one.
    @Test(arguments: [
        (GPUTrait.remappedRowsFailed, GPUTrait.Value.flag(true), ReasonCode.gpuMemoryDamaged),
        (.recoveryAction, .text("drain-and-reset"), .gpuRecoveryPending),
    ])
    func aNodeWhoseOnlyGPUMustNotBeUsedIsNotReady(_ row: (GPUTrait, GPUTrait.Value, ReasonCode)) throws {
        let facts = NodeFacts.h100Ready.withNVML { $0.gpus[0].traits[row.0] = .present(row.1) }
        let report = try NodeReport.made(for: facts)
        #expect(report.verdict == .notReady && report.reason == row.2)
        #expect(report.finding(.cudaFailed)?.state == .pass)
        let fault = try #require(report.finding(row.2))
        #expect(GPUHealth(report, facts: facts) == .faulty(fault))
    }

    @Test func aFunctionThatCannotBeToldApartIsNotForgotten() throws {
        let lost = UnidentifiedFunction(
            address: PCIAddress(domain: 0, bus: 9, device: 0, function: 0),
            failure: ReadFailure(.malformed, "vendor is ffff")
        )
        let beside = try NodeReport.made(for: NodeFacts.h100Ready.with { $0.unidentified = [lost] })
        #expect(beside.verdict == .degraded && beside.reason == .pciUnreadable)
        #expect(beside.finding(.pciUnreadable)?.observed == "0000:09:00.0: vendor is ffff")
        let alone = try NodeReport.made(for: NodeFacts.noGPU.with { $0.unidentified = [lost] })
        #expect(alone.verdict == .unknown && alone.reason == .pciUnreadable)
    }
}
