import Host
import HostSupport
import NodeModel
import Planning
import Support
import TestSupport
import Testing

@testable import Agent

/// What an agent does with the jobs of one that was killed.
@Suite(.enabled(if: PrivateHost.isPossible, PrivateHost.reason), .timeLimit(.minutes(3)))
struct SettledJobTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var step: StepID
        var command: String
        var state: StepRecord.State
        /// Whether the files of the job stay.
        var stays: Bool
    }

    static let rows = [
        Row(testDescription: "a build that succeeded", step: .buildAhead, command: "true", state: .done, stays: false),
        Row(testDescription: "headers", step: .headersAhead, command: "true", state: .done, stays: false),
        Row(testDescription: "prebuilt modules", step: .modulesAhead, command: "true", state: .done, stays: false),
        // The log has the cause. The step is in the next plan, and forgets the job at its end.
        Row(testDescription: "a build that failed", step: .buildAhead, command: "false", state: .started, stays: true),
        // The last step of the install forgets it.
        Row(testDescription: "an installer", step: .install, command: "true", state: .done, stays: true),
    ]

    @Test(arguments: rows)
    func aJobAheadOfABootLeavesNoFiles(_ row: Row) async throws {
        try await ScriptedHost.with { host in
            let root = host.inspector.prober.root
            let name = "\(row.step.rawValue)-1"
            let job = try HostJob(name, root: root, commands: host.commands)
            try await job.start([row.command], environment: [:], durable: true, deadlineSeconds: 30)
            _ = try await job.wait(deadline: .seconds(30)) { _ in }
            var step = PlannedStep.named(row.step)
            step.effects = [.job(Effect.Job(name: name, command: [row.command]))]
            var begun = Journal()
            begun.begin(step, at: Timestamp(1))
            let journal = begun
            let change = HostChange(root: root, commands: host.commands, pod: nil, progress: { _ in })
            try await change.run(lockDeadline: .seconds(10), failure: .state) { (change) async throws(AgentFailure) in
                try await change.save(journal)
                // Another time changes nothing.
                for _ in 1...2 { try await change.settle(.state) }
            }
            #expect(try host.journal().steps.map(\.state) == [row.state])
            #expect(host.tree.exists("\(HostLayout.jobs)/\(name)") == row.stays)
        }
    }
}
