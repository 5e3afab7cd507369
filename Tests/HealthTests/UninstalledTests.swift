import CoreSupport
import Health
import NodeModel
import Planning
import Reporting
import Selection
import Support
import TestSupport
import Testing

/// Nodes whose driver an operator uninstalled.
@Suite struct UninstalledTests {
    private static let done = UninstallRecord(
        state: .done,
        version: "595.91.07",
        startedAt: Timestamp(1),
        endedAt: Timestamp(2)
    )
    private static let started = UninstallRecord(version: "595.91.07", startedAt: Timestamp(1))

    private func report(_ facts: NodeFacts) throws -> (report: NodeReport, plan: Plan) {
        let plan = try Plan.made(for: facts)
        return (Checks(facts: facts, plan: plan).report(), plan)
    }

    @Test func nothingIsInstalledAfterAnUninstall() throws {
        let bare = NodeFacts.rtxProVGPU
        #expect(try report(bare).plan.decision.action == .install)
        let facts = bare.with { $0.driver.uninstall = Self.done }
        let (report, plan) = try report(facts)
        #expect(plan.decision.action == .blocked && plan.steps.isEmpty)
        #expect(report.verdict == .notReady && report.reason == .driverUninstalled)
        #expect(report.nextAction == "Run 'gpu-agent install' to install the driver again.")
        let finding = report.finding(.driverUninstalled)
        #expect(finding?.observed == "An operator uninstalled driver 595.91.07 at 1970-01-01T00:00:02.000Z.")
        // That there is no driver is only the consequence.
        #expect(report.finding(.driverMissing) == nil)
        #expect(Publication.of(facts, plan, report, Policy()).taint != .absent)
    }

    @Test func anInterruptedUninstallIsNeitherFinishedNorTakenBack() throws {
        let cut = NodeFacts.rtxProVGPU.with {
            $0.driver.uninstall = Self.started
            $0.driver.record = .present(.ofTheGRIDDriver(.changing))
        }
        let (report, plan) = try report(cut)
        #expect(plan.steps.isEmpty && report.reason == .driverUninstalled)
        #expect(report.finding(.driverUninstalled)?.observed == "The uninstall of driver 595.91.07 is not complete.")
        #expect(
            report.nextAction.hasPrefix("Run 'gpu-agent uninstall' to finish the uninstall, or 'gpu-agent install'")
        )
    }

    /// It was interrupted before the uninstaller ran, when the modules were unloaded.
    @Test func theModulesAreNotLoadedAgainDuringAnUninstall() throws {
        let unloaded = NodeFacts.rtxProReady.with {
            $0.driver.loadedVersion = .absent
            $0.driver.runningModule = .absent
            $0.driver.deviceNodes = .present([])
            $0.driver.record = .present(.ofTheGRIDDriver(.installed))
        }
        #expect(try report(unloaded).plan.steps.map(\.id) == [.load, .verify])
        let cut = unloaded.with { $0.driver.uninstall = Self.started }
        #expect(try report(cut).plan.steps.isEmpty)
        #expect(try report(cut).report.reason == .driverUninstalled)
    }

    @Test func aFailureOfTheUninstallIsNamed() throws {
        var record = Self.started
        let failure = Finding(.driverRemovalFailed, observed: "the uninstaller exited with 1", expected: "status 0")
        record.step = StepRecord(step: .install, state: .failed, startedAt: Timestamp(1), failure: failure)
        let facts = NodeFacts.rtxProVGPU.with { $0.driver.uninstall = record }
        let observed = try report(facts).report.finding(.driverUninstalled)?.observed
        #expect(observed?.hasSuffix(" Its step install failed: the uninstaller exited with 1") == true)
    }

    /// Somebody else installed a driver after the uninstall.
    @Test func aDriverOfAnotherOwnerIsAdopted() throws {
        let facts = NodeFacts.rtxProReady.with {
            $0.driver.record = .absent
            $0.driver.uninstall = Self.done
        }
        let (report, plan) = try report(facts)
        #expect(plan.decision.action == .adopt && report.verdict == .ready)
    }
}

extension InstallRecord {
    fileprivate static func ofTheGRIDDriver(_ state: State) -> InstallRecord {
        InstallRecord(
            state: state,
            kind: .grid,
            version: "595.91.07",
            kernelModuleType: .open,
            kernelRelease: NodeFacts.kernel,
            artifactHash: "00"
        )
    }
}
