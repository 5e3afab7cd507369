import FoundationEssentials
import Host
import HostSupport
import NodeModel
import Planning
import TestSupport
import Testing

@testable import Agent

/// Complete uninstalls on a host of scripts.
@Suite(.enabled(if: PrivateHost.isPossible, PrivateHost.reason), .timeLimit(.minutes(3)))
struct UninstallRunTests {
    private func failure<Value>(_ work: () async throws(AgentFailure) -> Value) async -> AgentFailure? {
        do throws(AgentFailure) { _ = try await work() } catch { return error }
        return nil
    }

    @Test func theDaemonDoesNotInstallAgain() async throws {
        try await ScriptedHost.with { host in
            _ = try await host.install().run(lockDeadline: .seconds(60))
            let words = ProgressWords()
            _ = try await host.uninstall(progress: words.note).run(lockDeadline: .seconds(60))
            let ids = ["unload", "uninstall", "verify", "remove-package", "forget"]
            #expect(words.all == ids.flatMap { ["started \($0)", "finished \($0)"] })
            let journal = try host.journal()
            #expect(journal.record == nil && journal.steps.isEmpty)
            #expect(journal.uninstall?.state == .done && journal.uninstall?.version == ScriptedHost.version)

            let refused = await failure { () async throws(AgentFailure) in
                try await host.install().run(lockDeadline: .seconds(60))
            }
            #expect(refused?.problem.code == .driverUninstalled)
            #expect(await host.inspector.currentView().report.reason == .driverUninstalled)
            #expect(host.calls("installer").count == 1)

            // An operator asks for it.
            let again = ProgressWords()
            let view = try await host.inspector.install(
                environment: [:],
                lockDeadline: .seconds(60),
                progress: again.note
            )
            #expect(view.report.verdict == .ready)
            // The last install is the estimate of this one.
            #expect(again.usual["install"] != nil && again.usual.count > 3)
            #expect(try host.journal().uninstall == nil)
            #expect(host.calls("installer").count == 2)
        }
    }

    /// Before the first step, and during it.
    @Test func changesNothingWhenTheModulesCannotBeUnloaded() async throws {
        try await ScriptedHost.with { host in
            _ = try await host.install().run(lockDeadline: .seconds(60))
            let before = try host.tree.text(HostLayout.journal)
            try host.order("busy-nvidia")
            let failure = await failure { () async throws(AgentFailure) in
                try await host.uninstall().run(lockDeadline: .seconds(60))
            }
            #expect(failure?.problem.code == .rebootRequired)
            #expect(failure?.problem.remedy.text.contains("Then run 'gpu-agent uninstall'.") == true)
            #expect(try host.tree.text(HostLayout.journal) == before)
            #expect(await host.inspector.currentView().report.verdict == .ready)
        }
    }

    @Test func changesNothingWithAJournalThatItCannotUse() async throws {
        try await ScriptedHost.with { host in
            _ = try await host.install().run(lockDeadline: .seconds(60))
            for text in [#"{"steps": ["#, #"{"apiVersion": "gpu-agent/v2", "kind": "Journal", "steps": []}"#] {
                try host.tree.write(HostLayout.journal, text)
                let failure = await failure { () async throws(AgentFailure) in
                    try await host.uninstall().run(lockDeadline: .seconds(60))
                }
                #expect(failure?.problem.code == .uninstallFailed)
                #expect(try host.tree.text(HostLayout.journal) == text)
                #expect(!host.tree.exists("\(HostLayout.journal).bad"))
                #expect(host.tree.exists("sys/module/nvidia") && host.calls("nvidia-uninstall").isEmpty)
            }
        }
    }

    @Test func recordsWhatFailedAndGoesOn() async throws {
        try await ScriptedHost.with { host in
            _ = try await host.install().run(lockDeadline: .seconds(60))
            try host.order("broken-uninstaller")
            let failure = await failure { () async throws(AgentFailure) in
                try await host.uninstall().run(lockDeadline: .seconds(60))
            }
            #expect(failure?.problem.code == .driverRemovalFailed)
            let journal = try host.journal()
            #expect(journal.record?.state == .changing && !journal.finished(.install))
            #expect(!journal.steps.contains { $0.step == .load })
            #expect(journal.uninstall?.step?.failure == failure?.problem)
            #expect(await host.inspector.currentView().report.reason == .driverUninstalled)

            try host.withdraw("broken-uninstaller")
            let words = ProgressWords()
            _ = try await host.uninstall(progress: words.note).run(lockDeadline: .seconds(60))
            #expect(words.all.first == "started uninstall")
            #expect(try host.journal().uninstall?.state == .done)
        }
    }
}
