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
        var facts = Installs.own
        facts.claims.deviceUsers = .present([])
        let reboot = facts.explained(Self.stuck, for: .install)
        #expect(reboot.code == .rebootRequired && reboot.remedy.text.hasPrefix("Drain the node and reboot it."))
        let uninstall = facts.explained(Self.stuck, for: .uninstall)
        #expect(uninstall.code == .rebootRequired)
        #expect(uninstall.remedy.text == "Drain the node and reboot it. Then run 'gpu-agent uninstall'.")
        facts.claims.deviceUsers = .unreadable(.denied)
        #expect(facts.explained(Self.stuck, for: .install) == Self.stuck)
        facts.claims.deviceUsers = .present([])
        #expect(facts.explained(Self.failure, for: .install) == Self.failure)
    }

    @Test func namesTheProcessesWithTheirDeviceNodes() {
        var facts = Installs.own
        let nodes = ["nvidia-uvm", "nvidia0", "nvidia1", "nvidia2", "nvidia3", "nvidiactl"]
        facts.claims.deviceUsers = .present([
            DeviceUser(pid: 7, command: "python3", nodes: nodes, pod: "ml/train-0"),
            DeviceUser(pid: 8, command: "dcgm", nodes: ["nvidiactl"]),
        ])
        let inUse = facts.explained(Self.stuck, for: .uninstall)
        #expect(inUse.code == .driverInUse && inUse.remedy.text.hasSuffix(" Then run 'gpu-agent uninstall'."))
        let first = "python3 (7, pod ml/train-0; nvidia-uvm, nvidia0, nvidia1, nvidia2, 2 more)"
        #expect(inUse.observed == "busy. These processes use the driver: \(first), dcgm (8; nvidiactl).")
    }

    /// A module that a process uses is in the list of processes.
    ///
    /// What uses a module from within the kernel is not.
    @Test func namesTheModulesThatUseTheDriver() {
        var facts = Installs.own
        facts.claims.deviceUsers = .present([])
        facts.driver.moduleHolders = ["nvidia": ["nv_peer_mem"]]
        let one = facts.explained(Self.stuck, for: .install)
        #expect(one.code == .rebootRequired)
        #expect(one.observed == "busy. No process uses the driver, but the kernel module uses it: nv_peer_mem.")
        let start = "Drain the node, run 'rmmod nv_peer_mem' on it, and then 'gpu-agent install'. Or reboot it."
        #expect(one.remedy.text.hasPrefix(start))
        facts.driver.moduleHolders = ["nvidia": ["nv_peer_mem"], "nvidia_uvm": ["a", "nv_peer_mem"]]
        let two = facts.explained(Self.stuck, for: .uninstall)
        #expect(two.observed.hasSuffix("but the kernel modules use it: a, nv_peer_mem."))
        #expect(two.remedy.text.contains("'rmmod a nv_peer_mem'"))
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

    /// Each try takes the text consoles away.
    @Test func noPlanReleasesBeforeTheReboot() {
        let needed = Finding(.rebootRequired, observed: "busy", expected: "", remedy: "Reboot the node.")
        let held = NodeFacts.rtxProVGPU.with {
            $0.driver.nouveauLoaded = .present(true)
            $0.driver.needsReboot = needed
        }
        let plan = Installs.plan(held)
        #expect(plan.steps.map(\.id).contains(.release) && plan.problems.map(\.code) == [.rebootRequired])
        #expect(Installs.plan(held.with { $0.driver.needsReboot = nil }).problems.isEmpty)
        // It is gone after the boot, or somebody unloaded it.
        #expect(Installs.plan(held.with { $0.driver.nouveauLoaded = .present(false) }).problems.isEmpty)
    }
}
