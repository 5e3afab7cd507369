import Host
import HostSupport
import NodeModel
import Support
import TestSupport
import Testing

@testable import Agent

/// What the journal keeps of the files on which a job depends.
@Suite(.enabled(if: PrivateHost.isPossible, PrivateHost.reason), .timeLimit(.minutes(3)))
struct JobBasisTests {
    /// A change that comes while the job runs must differ from what the journal has.
    @Test func isThatOfBeforeTheJob() async throws {
        try await ScriptedHost.with { host in
            try host.tree.write("var/lib/wax", "yellow")
            let root = host.inspector.prober.root
            let before = try #require(root.fingerprint(of: ["/var/lib/wax"]))
            let executor = Executor(
                root: root,
                commands: host.commands,
                downloader: Downloader(),
                progress: { _ in },
                verify: { _ in nil }
            )
            let command = ["sh", "-c", "rm /var/lib/wax; exit 1"]
            var step = PlannedStep.named(.buildAhead)
            step.effects = [.job(Effect.Job(name: "polish-1", command: command, basis: ["/var/lib/wax"]))]
            var journal = Journal()
            journal.begin(step, at: Timestamp(1))
            do throws(AgentFailure) {
                try await executor.execute(step, &journal)
                Issue.record("the job succeeded")
            } catch {}
            #expect(journal.steps.last?.basis == before)
            #expect(root.fingerprint(of: ["/var/lib/wax"]) != before)
        }
    }
}
