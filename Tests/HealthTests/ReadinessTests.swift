import CoreSupport
import Health
import NodeModel
import Planning
import Reporting
import Selection
import TestSupport
import Testing

/// Whether containers can use the GPUs, apart from whether the driver is the one that the agent would choose.
@Suite struct ReadinessTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var facts: NodeFacts
        var policy: Policy
        var verdict: Verdict
        var readiness: Readiness
        var reason: ReasonCode?
        var taint: TaintWish

        init(
            _ name: String,
            _ facts: NodeFacts,
            policy: Policy = Policy(),
            _ verdict: Verdict,
            _ readiness: Readiness,
            _ reason: ReasonCode?,
            _ taint: TaintWish,
            _ change: (inout NodeFacts) -> Void = { _ in }
        ) {
            (testDescription, self.policy, self.verdict, self.readiness) = (name, policy, verdict, readiness)
            (self.reason, self.taint) = (reason, taint)
            self.facts = facts.with(change)
        }
    }

    /// An H100 with a driver of another owner that works, and a configuration that asks for another branch.
    private static let foreign = NodeFacts.h100Ready.with {
        $0.driver = .loaded("580.126.09", .open, kind: .datacenter)
        $0.vendor = .answering("580.126.09", gpus: [.h100])
    }
    private static let wants595 = Policy(branch: 595)
    private static let dead = ReadFailure(.vendor, "nvmlInit_v2: unknown error (999)")

    static let cases: [Case] = [
        Case("the driver that the agent chooses", .h100Ready, .ready, .usable, nil, .absent),
        Case("a driver of another branch", foreign, policy: wants595, .degraded, .usable, .foreignDriver, .absent),
        Case("a driver of the other kind", .h100Ready, .degraded, .usable, .foreignDriver, .absent) {
            $0.driver = .loaded("595.91.07", .open, kind: .grid)
        },
        Case("a GPU that the catalog does not know", .unknownGPU, .degraded, .usable, .unknownGPU, .absent) {
            $0.driver = .loaded("595.71.05", .open, kind: .datacenter)
            var gpu = GPUFacts.h100
            gpu.pciAddress = .present($0.gpus[0].address)
            $0.vendor = .answering("595.71.05", gpus: [gpu])
        },
        Case("a second driver on the disk", .h100Ready, .degraded, .usable, .driverVersionSplit, .absent) {
            $0.driver.cudaLibrary = .present(LibraryFile(path: "/usr/lib/libcuda.so.570.211.01", version: "570.211.01"))
        },
        Case(
            "another branch, and CUDA fails",
            foreign,
            policy: wants595,
            .notReady,
            .notUsable,
            .foreignDriver,
            .present
        ) {
            $0.vendor = .unreadable(dead)
        },
        Case("another branch, not loaded", foreign, policy: wants595, .notReady, .notUsable, .foreignDriver, .present) {
            $0.driver = $0.driver.unloaded
            $0.vendor = .absent
        },
        Case(
            "another branch, and nobody asked CUDA",
            foreign,
            policy: wants595,
            .unknown,
            .unknown,
            .foreignDriver,
            .keep
        ) {
            $0.vendor = .skipped("no host process")
        },
        Case("no driver", .h100, .notReady, .notUsable, .driverMissing, .present),
        Case("no driver, and an obstacle", .h100, .notReady, .notUsable, .compilerMissing, .present) {
            $0.build.compiler = .absent
        },
    ]

    @Test(arguments: cases)
    func isApartFromTheChoice(_ row: Case) throws {
        let plan = try Plan.made(for: row.facts, policy: row.policy)
        let report = Checks(facts: row.facts, plan: plan).report()
        #expect(report.verdict == row.verdict)
        #expect(report.readiness == row.readiness)
        #expect(report.reason == row.reason)
        #expect(Publication.of(row.facts, plan, report, row.policy).taint == row.taint)
        if row.readiness == .usable { #expect(!report.findings.contains { $0.state == .failed }) }
    }

    /// A short failure of CUDA must not turn an unwanted driver into a reason for the taint.
    @Test func aShortFailureDoesNotCountOnADegradedNode() throws {
        let plan = try Plan.made(for: Self.foreign, policy: Self.wants595)
        let works = Checks(facts: Self.foreign, plan: plan).report()
        let fails = Checks(facts: Self.foreign.with { $0.vendor = .unreadable(Self.dead) }, plan: plan).report()
        #expect(fails.verdict == .notReady)
        var settling = Settling()
        let start = ContinuousClock.now
        #expect(settling.settle(works, at: start).verdict == .degraded)
        let short = settling.settle(fails, at: start + .seconds(1))
        #expect(short.verdict == .degraded && short.readiness == .usable && short.reason == .foreignDriver)
        let long = settling.settle(fails, at: start + .seconds(90))
        #expect(long.verdict == .notReady && long.readiness == .notUsable)
    }

    /// A new daemon on a node that has worked since its boot gives a failure the same time.
    @Test func aRestartDoesNotForgetThatTheNodeWorked() throws {
        let broken = NodeFacts.h100Ready.with { $0.vendor = .unreadable(Self.dead) }
        let report = Checks(facts: broken, plan: try .made(for: broken)).report()
        var first = Settling()
        #expect(first.settle(report, at: .now).verdict == .notReady)
        var restarted = Settling(hasWorked: true)
        #expect(restarted.settle(report, at: .now).verdict == .ready)
    }

    /// A changed pin on a node without GPU work.
    @Test func aChangeOnAnIdleNodeSaysWhatReplacesWhat() throws {
        let facts = NodeFacts.h100Ready.with { $0.claims.deviceUsers = .present([]) }
        let plan = try Plan.made(for: facts, policy: Policy(branch: 580))
        #expect(!plan.steps.isEmpty && plan.obstacles.isEmpty)
        let report = Checks(facts: facts, plan: plan).report()
        #expect(report.verdict == .ready)
        let target = try #require(plan.decision.driver)
        #expect(target.version.description == "580.159.04")
        #expect(
            report.nextAction
                == "Run 'gpu-agent install' to install the \(target) in place of driver 595.71.05. CUDA works "
                + "on this node, and no process uses the GPUs."
        )
        // A step that changes no version is not called a replacement.
        var rest = plan
        rest.decision.driver?.version = try #require(DriverVersion("595.71.05"))
        #expect(Checks(facts: facts, plan: rest).report().nextAction.contains("the remaining steps of the plan"))
    }

    /// A driver from packages that should be replaced keeps working.
    @Test func aChangeThatTheAgentRefusesIsOnlyANotice() throws {
        let facts = NodeFacts.h100Ready.with { $0.driver.record = $0.driver.record.fromPackages }
        let report = Checks(facts: facts, plan: try Plan.made(for: facts, policy: Policy(branch: 580))).report()
        #expect(report.verdict == .ready && report.readiness == .usable)
        #expect(report.finding(.driverSourceChange)?.state == .notice)
        let action = "Run 'apt-get update' on the node, and then 'gpu-agent install'"
        #expect(report.nextAction.hasPrefix("CUDA works on this node. \(action)"))
    }

    @Test func aPendingChangeIsOnlyANotice() throws {
        let facts = NodeFacts.h100Ready.with {
            $0.claims.deviceUsers = .present([DeviceUser(pid: 7, command: "python3", nodes: ["nvidia0"])])
        }
        let plan = try Plan.made(for: facts, policy: Policy(branch: 580))
        #expect(plan.steps.isEmpty)
        let report = Checks(facts: facts, plan: plan).report()
        #expect(report.verdict == .ready && report.readiness == .usable)
        let finding = try #require(report.finding(.driverChangePending))
        #expect(finding.state == .notice)
        for text in ["595.71.05", "580.159.04", "python3 (7; nvidia0)"] { #expect(finding.observed.contains(text)) }
        #expect(report.nextAction.hasPrefix("CUDA works on this node. Drain the node"))
        #expect(Publication.of(facts, plan, report, Policy(branch: 580)).taint == .absent)
        // All other checks are about the driver that stays.
        #expect(report.findings.allSatisfy { [.pass, .notApplicable, .notice].contains($0.state) })
    }
}
