import FoundationEssentials
import Host
import HostSupport
import NodeModel
import Planning
import Support
import TestSupport
import Testing

@testable import Agent

/// What `status` shows while an agent works or waits.
@Suite(.timeLimit(.minutes(2)))
struct ActivityTests {
    private static let step = PlannedStep(
        id: .download,
        title: "download driver.run",
        changes: "a file",
        deadlineSeconds: 60,
        effects: [],
        failure: StepFailure(.downloadFailed, subject: "the download")
    )

    private func activity(_ reports: [InstallProgress]) -> Activity? {
        reports.enumerated().reduce(nil) { Activity.after($1.element, $0, at: Timestamp(Double($1.offset))) }
    }

    @Test func aStepHasItsProgressAndTheLastLineOfItsOutput() {
        var expected = Activity(kind: .step, subject: "download driver.run", since: Timestamp(0))
        #expect(activity([.started(Self.step, number: 1, of: 2, usual: nil)]) == expected)
        expected.usualSeconds = 40
        #expect(activity([.started(Self.step, number: 1, of: 2, usual: 40)]) == expected)
        expected.usualSeconds = nil
        expected.receivedBytes = 5
        expected.totalBytes = 10
        let loading = [
            InstallProgress.started(Self.step, number: 1, of: 2, usual: nil), .downloaded(bytes: 5, total: 10),
        ]
        #expect(activity(loading) == expected)
        expected.lastLine = "Waiting for cache lock: https://***@mirror/\u{fffd}[2J"
        expected.lastLineAt = Timestamp(2)
        #expect(activity(loading + [.said("Waiting for cache lock: https://user:secret@mirror/\u{1b}[2J")]) == expected)
    }

    @Test func aJobOfAnEarlierAgentReplacesIt() {
        #expect(
            activity([.started(Self.step, number: 1, of: 2, usual: nil), .waitingForJob("install-595")])
                == Activity(kind: .job, subject: "install-595", since: Timestamp(1))
        )
    }

    @Test func theFileIsThereWhileTheWorkRuns() async throws {
        let tree = try TemporaryDirectory()
        let file = ActivityFile(root: try HostRoot(tree.path))
        let recorder = ActivityRecorder(file, pause: .milliseconds(1))
        try await recorder.during { () async throws(AgentFailure) in
            recorder.note(.started(Self.step, number: 1, of: 2, usual: nil))
            let end = ContinuousClock.now + .seconds(60)
            while await file.load() == nil, ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(5)) }
            #expect(await file.load()?.subject == "download driver.run")
        }
        #expect(await file.load() == nil)
        #expect(!tree.exists("run/gpu-agent/activity.json"))
    }

    /// Output of an installer may have what only root should see.
    @Test func onlyRootReadsTheFile() async throws {
        let tree = try TemporaryDirectory()
        let file = ActivityFile(root: try HostRoot(tree.path))
        try await file.save(Activity(kind: .step, subject: "s", since: Timestamp(0)))
        let attributes = try FileManager.default.attributesOfItem(atPath: tree.path("run/gpu-agent/activity.json"))
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
}
