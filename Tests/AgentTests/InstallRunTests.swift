import FoundationEssentials
import Glibc
import Host
import HostSupport
import NodeModel
import Planning
import Synchronization
import TestSupport
import Testing

@testable import Agent

/// Complete installs on a host of scripts.
@Suite(.enabled(if: PrivateHost.isPossible, PrivateHost.reason), .timeLimit(.minutes(3)))
struct InstallRunTests {
    private func failure(_ run: InstallRun, lock: Duration = .seconds(60)) async -> AgentFailure? {
        do throws(AgentFailure) { _ = try await run.run(lockDeadline: lock) } catch { return error }
        return nil
    }

    @Test func installsTheDriver() async throws {
        try await ScriptedHost.with { host in
            let words = ProgressWords()
            let whole = await host.inspector.look().plan.steps.map(\.id)
            #expect(whole.first == .begin && whole.last == .finish)
            let view = try await host.install(progress: words.note).run(lockDeadline: .seconds(60))
            #expect(view.report.verdict == .ready)
            #expect(view.plan.steps.isEmpty)
            let journal = try host.journal()
            #expect(journal.record?.state == .installed && journal.record?.version == ScriptedHost.version)
            #expect(journal.record?.bootID == view.facts.host.bootID.value && journal.record?.bootID != nil)
            #expect(journal.steps.map(\.step) == whole)
            #expect(journal.plan == whole)
            #expect(journal.steps.allSatisfy { $0.state == .done && $0.seconds != nil && $0.inverse != nil })
            #expect(
                words.all == whole.flatMap { ["started \($0.rawValue)", "finished \($0.rawValue)"] }
            )
            #expect(host.calls("modprobe") == ["nvidia", "nvidia-uvm", "nvidia-modeset"])
            #expect(host.calls("installer").count == 1)
            #expect(host.calls("sync") == ["-f / /usr /var"])
            let kept = try FileManager.default.contentsOfDirectory(atPath: host.tree.path(HostLayout.packages))
            #expect(kept == ["driver.run"] && journal.record?.keptPackage == "driver.run")
            #expect(!host.tree.exists(HostLayout.work))
            // A second run has nothing to do, and asks for nothing.
            let again = try await host.install(progress: words.note).run(lockDeadline: .seconds(60))
            #expect(again.report.verdict == .ready && host.server.questions.count == 1)
            #expect(words.all.count == 2 * whole.count)
        }
    }

    @Test func theJournalIsWrittenBeforeAndAfterEachStep() async throws {
        try await ScriptedHost.with { host in
            _ = try await host.install().run(lockDeadline: .seconds(60))
            let during = try host.journal("run/journal-at-installer")
            #expect(during.record?.state == .changing)
            #expect(during.steps.map(\.step) == [.begin, .download, .install])
            #expect(during.steps.map(\.state) == [.done, .done, .started])
            #expect(during.steps.last?.job == ScriptedHost.job)
            #expect(during.steps.last?.inverse?.map(\.id.rawValue) == ["uninstall"])
            let loading = try host.journal("run/journal-at-modprobe")
            #expect(loading.steps.last?.step == .load && loading.steps.last?.state == .started)
            #expect(loading.finished(.install))
        }
    }

    @Test func recordsAFailureAndGoesOnWhereItFailed() async throws {
        try await ScriptedHost.with { host in
            try host.order("no-compiler")
            let words = ProgressWords()
            let failure = try #require(await failure(host.install(progress: words.note)))
            #expect(failure.problem.code == .installerFailed)
            #expect(
                failure.problem.observed
                    == "the installer exited with status 1: Unable to find the development tool cc."
            )
            #expect(words.all.last == "failed install: installer-failed")
            let journal = try host.journal()
            #expect(journal.failure == failure.problem)
            #expect(journal.record?.state == .changing)
            #expect(await host.inspector.look().report.reason == .installerFailed)

            try host.withdraw("no-compiler")
            let again = ProgressWords()
            #expect(
                try await host.install(progress: again.note).run(lockDeadline: .seconds(60)).report.verdict == .ready
            )
            #expect(again.all.first == "started download")
            #expect(try host.journal().plan == journal.plan && journal.plan?.first == .begin)
            #expect(host.server.questions.count == 1)
        }
    }

    /// A canceled agent leaves the same state as a killed agent, and its installer continues.
    @Test func waitsForTheInstallerOfACancelledRun() async throws {
        try await ScriptedHost.with { host in
            try host.order("hold")
            let cancelled = Task { await failure(host.install()) }
            try await eventually("the installer runs") { !host.calls("installer").isEmpty }
            cancelled.cancel()
            #expect(await cancelled.value != nil)
            let journal = try host.journal()
            #expect(journal.steps.last?.step == .install && journal.steps.last?.state == .started)
            #expect(journal.failure == nil)
            #expect(await host.inspector.currentView().report.verdict == .installing)

            let words = ProgressWords()
            let next = Task { try await host.install(progress: words.note).run(lockDeadline: .seconds(60)) }
            try await eventually("the run waits") { words.all == ["waiting for \(ScriptedHost.job)"] }
            try host.order("go")
            #expect(try await next.value.report.verdict == .ready)
            #expect(words.all[1] == "started load")
            #expect(host.calls("installer").count == 1)
        }
    }

    @Test func beginsANewJournalBesideAMalformedOne() async throws {
        try await ScriptedHost.with { host in
            try host.tree.write("\(HostLayout.journal)", "{\"steps\": [")
            #expect(try await host.install().run(lockDeadline: .seconds(60)).report.verdict == .ready)
            #expect(try host.tree.text("\(HostLayout.journal).bad") == "{\"steps\": [")
            #expect(try host.journal().record?.state == .installed)
        }
    }

    /// Half of what a newer version did would be forgotten.
    @Test func changesNothingBesideTheJournalOfANewerVersion() async throws {
        try await ScriptedHost.with { host in
            let text = #"{"apiVersion": "gpu-agent/v2", "kind": "Journal", "steps": []}"#
            try host.tree.write(HostLayout.journal, text)
            let failure = try #require(await failure(host.install()))
            #expect(failure.problem.observed.hasPrefix("a newer version of the agent wrote \(HostLayout.journal)"))
            #expect(failure.problem.remedy.text.hasPrefix("Use the version of the agent that wrote"))
            #expect(try host.tree.text(HostLayout.journal) == text)
            #expect(host.server.questions.isEmpty && host.calls("installer").isEmpty)
        }
    }

    /// A link where the installer writes its log, and the log of an earlier run.
    @Test(arguments: [true, false])
    func theLogOfTheInstallerIsANewFile(_ isLink: Bool) async throws {
        try await ScriptedHost.with { host in
            try host.tree.write("etc/passwd", "root")
            if isLink {
                try host.tree.link(HostLayout.installerLog, to: host.tree.path("etc/passwd"))
            } else {
                try host.tree.write(HostLayout.installerLog, "ERROR: of an earlier run\n")
            }
            #expect(try await host.install().run(lockDeadline: .seconds(60)).report.verdict == .ready)
            #expect(try host.tree.text("etc/passwd") == "root")
            let log = (try? host.tree.text(HostLayout.installerLog)) ?? ""
            #expect(!log.contains("of an earlier run"))
        }
    }

    @Test func changesNothingWhereSomethingIsInTheWay() async throws {
        try await ScriptedHost.with { host in
            for program in ["gcc", "make"] {
                try FileManager.default.removeItem(atPath: host.tree.path("usr/bin/\(program)"))
            }
            let failure = try #require(await failure(host.install()))
            #expect(failure.problem.code == .compilerMissing)
            #expect(failure.others.map(\.code) == [.makeMissing])
            #expect(!host.tree.exists(HostLayout.state))
            #expect(host.server.questions.isEmpty)
        }
    }

    @Test func leavesAHostThatAnotherAgentChanges() async throws {
        try await ScriptedHost.with { host in
            let root = host.inspector.prober.root
            let lock = try await HostLock.acquire(on: root, deadline: .seconds(1), as: "another agent")
            defer { lock.release() }
            let failure = try #require(await failure(host.install(), lock: .milliseconds(100)))
            #expect(failure.problem.code == .hostLocked)
            #expect(failure.problem.observed.contains("another agent"))
            #expect(!host.tree.exists(HostLayout.journal))
        }
    }
}
