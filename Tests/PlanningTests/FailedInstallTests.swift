import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// What the journal remembers of a new driver that failed.
@Suite struct FailedInstallTests {
    private static let failure = Finding(
        .installerFailed,
        observed: "exit 1",
        expected: "exit 0",
        remedy: "see the log"
    )

    /// The journal of an install that failed in its last step.
    private func journal(_ facts: NodeFacts, takesOver: DriverOwner? = nil, failedAt last: StepID) -> Journal {
        let plan = Installs.plan(facts, takesOver: takesOver)
        let count = (plan.steps.firstIndex { $0.id == last } ?? 0) + 1
        var journal = Installs.journal(plan, steps: count, cutOff: true)
        journal.end(last, at: 9, failure: Self.failure)
        return journal
    }

    @Test(arguments: [StepID.install, .load, .verify])
    func remembersAFailureAfterTheChange(_ step: StepID) {
        let journal = journal(Installs.own, failedAt: step)
        #expect(journal.failed?.record.version == Installs.version)
        #expect(journal.failed?.record.former?.version == "580.105.08")
        #expect(journal.failed?.failure == Self.failure)
    }

    /// Such a failure leaves the old driver running.
    @Test(arguments: [StepID.begin, .download, .unload])
    func forgetsAFailureBeforeTheChange(_ step: StepID) {
        #expect(journal(Installs.own, failedAt: step).failed == nil)
    }

    /// There is no driver to go back to.
    @Test func aFirstInstallAndATakeoverHaveNoWayBack() {
        #expect(journal(.rtxProVGPU, failedAt: .install).failed == nil)
        #expect(journal(Installs.foreign, takesOver: .runfile, failedAt: .install).failed == nil)
    }

    @Test func isRememberedOnlyForTheDriverBeforeIt() throws {
        var journal = journal(Installs.own, failedAt: .install)
        let former = try #require(Installs.own.driver.record.value)
        journal.setRecord(former)
        #expect(journal.failed != nil)
        var other = former
        other.version = "570.1"
        journal.setRecord(other)
        #expect(journal.failed == nil)

        journal = self.journal(Installs.own, failedAt: .install)
        journal.setRecord(nil)
        #expect(journal.failed == nil)
        journal = self.journal(Installs.own, failedAt: .install)
        journal.endUninstall(at: Timestamp(10))
        #expect(journal.failed == nil)
    }

    @Test func knowsAnInterruptedWayBack() throws {
        var journal = journal(Installs.own, failedAt: .install)
        #expect(!journal.isGoingBack)
        var record = try #require(Installs.own.driver.record.value)
        record.state = .changing
        journal.setRecord(record)
        journal.begin(.begin, at: 10)
        #expect(journal.isGoingBack)
        journal.end(.begin, at: 11, failure: Self.failure)
        #expect(!journal.isGoingBack)
        journal.begin(.begin, at: 12)
        record.state = .installed
        journal.setRecord(record)
        #expect(!journal.isGoingBack)
    }

    /// An agent that is killed after the first step of an install still knows which services to start.
    @Test func theServicesOutliveTheStepsOfAnEarlierInstall() {
        var journal = Journal()
        var unload = PlannedStep.named(.unload)
        unload.effects = [.stopServices(["nvidia-persistenced.service"])]
        journal.begin(unload, at: Timestamp(1))
        journal.end(.unload, at: 2)
        journal.begin(.begin, at: 3)
        journal.forgetEarlierSteps(than: .begin)
        #expect(journal.steps.map(\.step) == [.begin])
        #expect(journal.stoppedServices == ["nvidia-persistenced.service"])
    }

    // Modules that stay in the kernel

    private static let stuck = Finding(.moduleUnloadFailed, observed: "busy.", expected: "", remedy: .none)

    @Test func aModuleThatNoProcessUsesNeedsAReboot() {
        var claims = Installs.own.claims
        claims.deviceUsers = .present([])
        let reboot = claims.explained(Self.stuck)
        #expect(reboot.code == .rebootRequired && reboot.remedy.text.hasPrefix("Drain the node and reboot it."))
        claims.deviceUsers = .present([DeviceUser(pid: 7, command: "python3", nodes: ["nvidia0"])])
        let inUse = claims.explained(Self.stuck)
        #expect(inUse.code == .driverInUse && inUse.observed.contains("python3"))
        claims.deviceUsers = .unreadable(.denied)
        #expect(claims.explained(Self.stuck) == Self.stuck)
        claims.deviceUsers = .present([])
        #expect(claims.explained(Self.failure) == Self.failure)
    }

    /// Each try stops the services of the driver, so the daemon waits for the reboot.
    @Test func noPlanUnloadsBeforeTheReboot() {
        let needed = Finding(.rebootRequired, observed: "busy", expected: "", remedy: "Reboot the node.")
        let plan = Installs.plan(Installs.own.with { $0.driver.needsReboot = needed })
        #expect(plan.steps.map(\.id).contains(.unload) && plan.problems.map(\.code) == [.rebootRequired])
        // Somebody unloaded the modules. The services still run, so the plan stops them.
        let unloaded = Installs.plan(
            Installs.own.with {
                $0.driver = $0.driver.unloaded
                $0.driver.needsReboot = needed
            }
        )
        #expect(unloaded.problems.isEmpty)
    }
}
