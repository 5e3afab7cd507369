import FoundationEssentials
import NodeModel
import Planning
import Support
import TestSupport
import Testing

@Suite struct JournalTests {
    private let broken = Finding(.installerFailed, observed: "exit 1", expected: "exit 0", remedy: "see the log")

    private func journal(_ state: InstallRecord.State = .started) -> Journal {
        Journal(
            record: InstallRecord(
                state: state,
                kind: .grid,
                version: "595.91.07",
                kernelModuleType: .open,
                kernelRelease: "6.1",
                artifactHash: "00"
            )
        )
    }

    @Test func aStepIsFinishedOnlyWhenItEndedWell() {
        var journal = journal()
        #expect(!journal.finished(.install))
        journal.begin(.install, at: 100)
        #expect(!journal.finished(.install))
        let begun = StepRecord(step: .install, state: .started, startedAt: Timestamp(100), inverse: [])
        #expect(journal.steps == [begun])
        journal.end(.install, at: 142.5, failure: broken)
        #expect(!journal.finished(.install))
        #expect(journal.steps.first?.seconds == 42.5)
        journal.begin(.install, at: 200)
        #expect(!journal.finished(.install))
        journal.end(.install, at: 230)
        #expect(journal.finished(.install))
        #expect(!journal.finished(.load))
    }

    @Test func thePlanHasALimitAndEndsWithTheRecord() {
        var journal = journal()
        #expect(journal.plan == nil)
        journal.setPlan([.begin, .install, .finish])
        journal.setRecord(journal.record)
        journal.begin(.install, at: 1)
        #expect(journal.plan == [.begin, .install, .finish])
        var uninstalled = journal
        uninstalled.endUninstall(at: Timestamp(2))
        #expect(uninstalled.plan == nil)
        journal.setRecord(nil)
        #expect(journal.plan == nil)
        journal.setPlan(Array(repeating: .install, count: 1000))
        #expect(journal.plan?.count == 64)
    }

    @Test func aStepThatIsBegunAgainStandsOnceAndLast() {
        var journal = journal()
        for (step, time) in [(StepID.download, 1.0), (.install, 2), (.download, 3)] { journal.begin(step, at: time) }
        #expect(journal.steps.map(\.step) == [.install, .download])
        #expect(journal.steps.last?.startedAt == Timestamp(3))
    }

    @Test func aNewTryForgetsTheOldFailure() {
        var journal = journal()
        journal.begin(.install, at: 1)
        journal.end(.install, at: 2, failure: broken)
        #expect(journal.failure == broken)
        journal.begin(.install, at: 3)
        #expect(journal.failure == nil)
        journal.end(.install, at: 4)
        #expect(journal.failure == nil && journal.steps.first?.failure == nil)
    }

    @Test func onlyTheLastStepIsTheFailure() {
        var unfinished = journal()
        unfinished.begin(.install, at: 1)
        unfinished.end(.install, at: 2, failure: broken)
        #expect(unfinished.failure == broken)
        unfinished.begin(.load, at: 3)
        #expect(unfinished.failure == nil)

        // A driver that is adopted is loaded without a record of an install.
        var unrecorded = Journal()
        unrecorded.begin(.load, at: 1)
        unrecorded.end(.load, at: 2, failure: broken)
        #expect(unrecorded.failure == broken)
    }

    @Test func theHostIsBeingChangedFromTheInstallersStartOn() {
        var begun = journal()
        for step in [StepID.begin, .download, .unload] {
            begun.begin(step, at: 1)
            #expect(begun.record?.state == .started)
        }
        begun.begin(.named(.install, changesDriver: true), at: Timestamp(2))
        #expect(begun.record?.state == .changing)
        begun.begin(.load, at: 3)
        #expect(begun.record?.state == .changing)
    }

    @Test func aCutOffStepIsSettledByThePlanThatLacksIt() {
        var journal = journal()
        journal.begin(.download, at: 1)
        journal.end(.download, at: 2)
        journal.begin(.unload, at: 3)
        var needed = journal
        needed.settleCutOffSteps(missingIn: [.unload, .install, .finish])
        #expect(needed == journal)
        // The plan of the same install lacks the step because no module is loaded any more.
        var resumed = journal
        resumed.settleCutOffSteps(missingIn: [.download, .install, .finish])
        #expect(resumed.steps.map(\.step) == [.download, .unload])
        #expect(resumed.steps.allSatisfy { $0.state == .done })
        // Another plan has nothing to do with it.
        journal.settleCutOffSteps(missingIn: [.load, .verify])
        #expect(journal.steps.map(\.step) == [.download])
    }

    @Test func knowsTheJobsWhoseEndIsOpen() {
        var journal = journal(.changing)
        let job = Effect.Job(name: "build-1", command: ["true"])
        var build = PlannedStep.named(StepID(rawValue: "build"))
        build.effects = [.run([["true"]]), .job(job)]
        journal.begin(build, at: Timestamp(1))
        #expect(journal.unfinishedJobs.map(\.name) == ["build-1"])
        journal.end(build.id, at: 2, failure: broken)
        #expect(journal.unfinishedJobs.map(\.step) == [build.id])
        journal.begin(build, at: Timestamp(3))
        journal.end(build.id, at: 4)
        #expect(journal.unfinishedJobs.isEmpty)
        // A step without a job that has the name of one.
        journal.begin(.install, at: 5)
        #expect(journal.unfinishedJobs.isEmpty)
    }

    /// Earlier versions did not write the names of jobs into the journal.
    @Test func knowsTheJobsOfEarlierVersions() {
        var journal = journal(.changing)
        journal.steps = [.download, .remove, .install].map {
            StepRecord(step: $0, state: .started, startedAt: Timestamp(1))
        }
        #expect(journal.unfinishedJobs.map(\.name) == ["remove-595.91.07", "install-595.91.07"])
        journal.steps[1].state = .done
        #expect(journal.unfinishedJobs.map(\.step) == [.install])
    }

    /// An operator changes their mind.
    @Test func anInstallTakesAnUninstallBack() {
        for (state, left) in [(InstallRecord.State.installed, StepRecord.State.done), (.changing, .started)] {
            var journal = journal(state)
            journal.begin(.load, at: 1)
            journal.end(.load, at: 2)
            journal.uninstall = UninstallRecord(version: "595.91.07", startedAt: Timestamp(3))
            journal.beginUndo(.named(.unload), of: .load, at: Timestamp(3))
            #expect(journal.steps.map(\.state) == [.started] && journal.uninstall?.step?.step == .unload)
            journal.withdrawUninstall()
            // After the uninstaller began, the driver can be incomplete.
            #expect(journal.uninstall == nil && journal.steps.map(\.state) == [left])
        }
    }

    @Test func theEndOfAStepThatNeverBeganIsNoRecord() {
        var journal = journal()
        journal.end(.load, at: 5)
        #expect(journal.steps.isEmpty && !journal.finished(.load))
    }

    @Test func aClockThatWasSetBackMakesNoNegativeTime() {
        var journal = journal()
        journal.begin(.download, at: 1000)
        journal.end(.download, at: 400)
        #expect(journal.steps.first?.seconds == 0)
    }

    @Test func survivesTheWayThroughItsFile() throws {
        var journal = journal()
        journal.setPlan([.begin, .download, .install, .load])
        journal.begin(.download, at: 1)
        journal.end(.download, at: 2.25)
        journal.begin(.install, at: 3)
        journal.end(.install, at: 4, failure: broken)
        journal.begin(.load, at: 5)
        let data = try JSONEncoder().encode(journal)
        #expect(try JSONDecoder().decode(Journal.self, from: data) == journal)
        #expect(try JSONDecoder().decode(Journal.self, from: try JSONEncoder().encode(Journal())) == Journal())
    }

    @Test func onlyARebootHelpsAfterSeveralAttemptsInOneBoot() {
        var journal = journal()
        let failure = Finding(.rebootRequired, observed: "busy", expected: "", remedy: "Reboot the node.")
        for _ in 1...2 { journal.rememberUnload(failure, bootID: "a") }
        #expect(journal.rebootFinding(bootID: "a") == nil)
        journal.rememberUnload(failure, bootID: "a")
        #expect(journal.rebootFinding(bootID: "a") == failure)
        #expect(journal.rebootFinding(bootID: "b") == nil && journal.rebootFinding(bootID: nil) == nil)
        journal.rememberUnload(failure, bootID: "b")
        #expect(journal.needsReboot?.attempts == 1)
        // A process was the cause, or the boot is not known.
        journal.rememberUnload(broken, bootID: "b")
        #expect(journal.needsReboot == nil)
        journal.rememberUnload(failure, bootID: nil)
        #expect(journal.needsReboot == nil)
    }

    /// Somebody unloads the modules, or the driver is replaced or uninstalled.
    @Test(arguments: [StepID.unload, .release, .finish])
    func theNeedForARebootEndsWithItsReason(_ step: StepID) {
        let failure = Finding(.rebootRequired, observed: "busy", expected: "", remedy: "Reboot the node.")
        var journal = journal()
        journal.needsReboot = RebootNeed(failure, bootID: "a", attempts: 3)
        journal.begin(.verify, at: 1)
        journal.end(.verify, at: 2)
        #expect(journal.needsReboot != nil)
        var uninstalled = journal
        uninstalled.endUninstall(at: Timestamp(3))
        #expect(uninstalled.needsReboot == nil)
        journal.begin(step, at: 4)
        journal.end(step, at: 5)
        #expect(journal.needsReboot == nil)
    }

    /// They are loaded again in the same boot, also by an agent that did not unload them.
    @Test func remembersTheExtraModulesThatItUnloads() {
        var journal = journal()
        journal.record?.bootID = "a"
        let names = ["gdrdrv", "nvidia_peermem", "nvidia_uvm", "nvidia_drm", "nvidia_modeset", "nvidia"]
        journal.begin(UnloadModules(modules: names).step, at: Timestamp(1))
        let extra = ["nvidia_drm", "nvidia_peermem", "gdrdrv"]
        #expect(journal.modulesToLoad(bootID: "a") == extra)
        #expect(journal.modulesToLoad(bootID: "b").isEmpty && journal.modulesToLoad(bootID: nil).isEmpty)
        // The way back unloads what the new driver had loaded.
        journal.end(.unload, at: 2)
        journal.begin(UnloadModules(modules: ["nvidia_uvm", "nvidia"]).step, at: Timestamp(3))
        #expect(journal.modulesToLoad(bootID: "a") == extra)
        var uninstalled = journal
        uninstalled.endUninstall(at: Timestamp(4))
        #expect(uninstalled.unloadedModules == nil)
        journal.settleModules(failed: ["nvidia_drm"])
        #expect(journal.modulesToLoad(bootID: "a") == ["nvidia_drm"])
        journal.settleModules(failed: [])
        #expect(journal.unloadedModules == nil)
    }

    @Test func theExtraModulesComeAfterThoseOfEveryDriver() throws {
        var facts = Installs.own
        facts.driver.loadedModules = .present(["nvidia", "nvidia_modeset", "nvidia_peermem", "nvidia_uvm"])
        facts.driver.unloadedModules = ["nvidia_drm"]
        let load = try #require(Installs.plan(facts).steps.first { $0.id == .load })
        #expect(load.effects.last == .loadModules(["nvidia_drm", "nvidia_peermem"]) && load.effects.count == 2)
        #expect(Installs.plan(.rtxProVGPU).steps.first { $0.id == .load }?.effects.count == 1)
    }
}
