import FoundationEssentials
import Host
import HostSupport
import NodeModel
import Planning
import Support
import TestSupport
import Testing

@testable import Agent

/// A job that passes its deadline and goes on: while it runs, no agent changes anything else.
@Suite(.enabled(if: PrivateHost.isPossible, PrivateHost.reason), .timeLimit(.minutes(3)))
struct RunningJobTests {
    private let job = ScriptedHost.job

    private func failure<Value>(_ work: () async throws(AgentFailure) -> Value) async -> AgentFailure? {
        do throws(AgentFailure) { _ = try await work() } catch { return error }
        return nil
    }

    /// Runs an install that waits only a moment for a job.
    private func impatient(_ host: ScriptedHost, _ words: ProgressWords) async -> AgentFailure? {
        await failure { () async throws(AgentFailure) in
            try await host.install(longestJob: .milliseconds(500), progress: words.note).run(lockDeadline: .seconds(60))
        }
    }

    @Test func anUpgradeWithASlowInstallerWaitsAndDoesNotGoBack() async throws {
        try await ScriptedHost.with { host in
            let former = try host.offering(ScriptedHost.formerVersion)
            #expect(try await former.install().run(lockDeadline: .seconds(60)).report.verdict == .ready)
            let host = try host.offering(ScriptedHost.version)
            try host.order("hold")
            let words = ProgressWords()
            let first = try #require(await impatient(host, words))
            #expect(first.problem.code == .jobRunning && first.others.isEmpty, "\(first)")
            #expect(words.all.count { $0 == "started begin" } == 1)
            #expect(words.all.suffix(2) == ["started install", "failed install: job-running"])
            let journal = try host.journal()
            #expect(journal.steps.last?.state == .started && journal.steps.last?.job == job)
            #expect(journal.record?.version == ScriptedHost.version && journal.failed == nil)
            #expect(host.tree.exists(HostLayout.work))
            #expect(await host.inspector.currentView().report.verdict == .installing)
            #expect(await host.activity(installing: true)?.subject.contains(ScriptedHost.version) == true)

            // The next run waits for it, too, and names its processes.
            let again = ProgressWords()
            let second = try #require(await impatient(host, again))
            #expect(again.all == ["waiting for \(job)"])
            #expect(second.problem.code == .jobRunning)
            let leader = try host.tree.text("\(HostLayout.jobs)/\(job)/pid").split(separator: " ")[0]
            #expect(second.problem.observed.hasPrefix("job \(job) (process \(leader)) did not end within 0.5 seconds"))
            #expect(second.problem.remedy.text.contains("run 'kill -- -\(leader)'"))
            #expect(try host.journal() == journal)
            #expect(host.tree.exists(HostLayout.work))
            #expect(host.calls("installer").count == 2)

            // A job that runs for longer than its step may take is a finding with the commands, and no install to wait for.
            let file = "\(HostLayout.jobs)/\(job)/job.json"
            var record = try JSONDecoder().decode(JobRecord.self, from: Data(host.tree.text(file).utf8))
            let deadline = try #require(record.deadlineSeconds)
            #expect(deadline == 1800 && deadline < HostChange.longestJob.components.seconds)
            record.startedAtUptime = try #require(record.startedAtUptime) - Double(deadline) - 60
            try host.tree.write(file, bytes: Array(JSONEncoder().encode(record)))
            for view in [await host.inspector.currentView(), await host.inspector.look()] {
                let finding = view.report.findings.first { $0.code == .jobRunning }
                #expect(finding?.state == .failed && view.report.verdict != .installing, "\(view.report)")
                #expect(finding?.remedy.text.contains("run 'kill -- -\(leader)'") == true)
                #expect(finding?.observed.contains("runs for more than \(deadline) seconds") == true, "\(view.report)")
            }

            try host.order("go")
            let view = try await host.install().run(lockDeadline: .seconds(60))
            #expect(view.report.verdict == .ready)
            #expect(view.facts.driver.loadedVersion.value == ScriptedHost.version)
            #expect(host.calls("installer").count == 2)
            let after = try host.journal()
            #expect(after.record?.state == .installed && after.failed == nil)
        }
    }

    /// The journal that named the job is put aside, or never named it.
    @Test(arguments: ["{\"steps\": [", #"{"apiVersion": "gpu-agent/v1", "kind": "Journal", "steps": []}"#])
    func anInstallWaitsForAJobThatNoJournalNames(_ journal: String) async throws {
        try await ScriptedHost.with { host in
            try host.order("hold")
            #expect(await impatient(host, ProgressWords())?.problem.code == .jobRunning)
            try host.tree.write(HostLayout.journal, journal)
            let words = ProgressWords()
            let waiting = try #require(await impatient(host, words))
            #expect(waiting.problem.code == .jobRunning)
            #expect(waiting.problem.observed.contains("job \(job) "))
            #expect(words.all == ["waiting for \(job)"])
            #expect(await host.inspector.currentView().report.verdict == .installing)
            #expect(host.tree.exists(HostLayout.work) && host.calls("installer").count == 1)

            try host.order("go")
            #expect(try await host.install().run(lockDeadline: .seconds(60)).report.verdict == .ready)
        }
    }

    @Test func anUninstallDoesNotPassAJobThatRuns() async throws {
        try await ScriptedHost.with { host in
            _ = try await host.install().run(lockDeadline: .seconds(60))
            try host.order("hold-uninstaller")
            let change = UninstallRun(
                prober: host.inspector.prober,
                commands: host.commands,
                longestJob: .milliseconds(500),
                progress: { _ in }
            )
            for _ in 1...2 {
                let failure = await failure { () async throws(AgentFailure) in
                    try await change.run(lockDeadline: .seconds(60))
                }
                #expect(failure?.problem.code == .jobRunning)
                #expect(failure?.problem.remedy.text.contains("run 'gpu-agent uninstall' again.") == true)
                let step = try host.journal().uninstall?.step
                #expect(step?.step == .uninstall && step?.state == .started && step?.job?.isEmpty == false)
                #expect(host.calls("nvidia-uninstall").count == 1)
            }
            try host.order("go")
            _ = try await host.uninstall().run(lockDeadline: .seconds(60))
            #expect(try host.journal().uninstall?.state == .done)
        }
    }
}
