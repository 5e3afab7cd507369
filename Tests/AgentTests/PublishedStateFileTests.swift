import Catalog
import Health
import Host
import NodeModel
import Support
import TestSupport
import Testing

@testable import Agent

@Suite struct PublishedStateFileTests {
    @Test func removesWhatAKilledDaemonLeft() async throws {
        let tree = try TemporaryDirectory()
        try tree.write("run/gpu-agent/.published.json.17.4711.new", "{")
        try tree.write("run/gpu-agent/lock", "")
        let root = try HostRoot(tree.path)
        let file = PublishedStateFile(root: root)
        let state = PublishedState(node: "node-1", at: Timestamp(1))
        try await file.save(state)
        #expect(try root.list("/run/gpu-agent") == ["lock", "published.json"])
        #expect(await file.load() == state)
    }

    /// ESC, CSI, OSC and a bidirectional override, as one byte, as several, and escaped in JSON.
    private static let control = #"\u001b[31m\u001b]0;x\u0007\u009b2J\u202e\r\nx"#

    @Test func controlCharactersOfTheFilesAreReplaced() async throws {
        let (text, clean) = (Self.control, "\u{fffd}[31m\u{fffd}]0;x\u{fffd}\u{fffd}2J\u{fffd}  x")
        let tree = try TemporaryDirectory()
        try tree.write(
            "run/gpu-agent/activity.json",
            #"{"kind":"step","subject":"\#(text)","since":1,"lastLine":"\#(text)","lastLineAt":2}"#
        )
        try tree.write(
            "run/gpu-agent/published.json",
            #"{"node":"\#(text)","labels":{"\#(text)":"\#(text)"},"ownerLabelsFailure":"\#(text)","failure":"\#(text)","#
                + #""contested":[{"field":"\#(text)","managers":["\#(text)"]}]}"#
        )
        let root = try HostRoot(tree.path)
        let activity = try #require(await ActivityFile(root: root).load())
        #expect(activity.subject == clean && activity.lastLine == clean)
        let state = try #require(await PublishedStateFile(root: root).load())
        #expect(state.node == clean && state.labels == [clean: clean])
        #expect(state.ownerLabelsFailure == clean && state.failure == clean)
        #expect(state.contested == [ContestedField(field: clean, managers: [clean])])
    }

    @Test func whatAPersonSeesIncludesThePublication() async throws {
        let tree = try TemporaryDirectory()
        try tree.write("run/gpu-agent/published.json", #"{"node":"n","labels":{},"failure":"no answer"}"#)
        let prober = try Prober(Settings(hostRoot: tree.path, hostPID: nil))
        var setup = Setup(catalog: Catalog(), policy: Policy())
        let view = await Inspector(prober: prober, setup: setup).currentView()
        #expect(view.report.findings.contains { $0.code == .publicationFailed && $0.state == .warning })
        #expect(
            await !Inspector(prober: prober, setup: setup).look().report.findings.contains {
                $0.code == .publicationFailed
            }
        )
        setup.mode = .observe
        let observed = await Inspector(prober: prober, setup: setup).currentView()
        #expect(!observed.report.findings.contains { $0.code == .publicationFailed })
    }

    static let states: [(json: String?, expected: Reading<[String: String]>)] = [
        (nil, .skipped("no agent has published the state of this node")),
        (
            #"{"node":"n","labels":{},"ownerLabels":{"nvidia.com/gpu.deploy.driver":"true"}}"#,
            .present([OwnerLabel.gpuOperatorDriver: "true"])
        ),
        (#"{"node":"n","labels":{},"ownerLabels":{},"failure":"no answer"}"#, .present([:])),
        (#"{"node":"n","labels":{},"failure":"no answer"}"#, .unreadable(ReadFailure(.io, "no answer"))),
        // As an agent wrote it that did not know of them.
        (
            #"{"node":"n","labels":{},"at":1,"tainted":false}"#,
            .skipped("the agent has not read the owner labels of this node")
        ),
    ]

    @Test(arguments: states)
    func tellsCommandsOnTheNodeWhoOwnsTheDriver(json: String?, expected: Reading<[String: String]>) async throws {
        let tree = try TemporaryDirectory()
        if let json { try tree.write("run/gpu-agent/published.json", json) }
        let prober = try Prober(Settings(hostRoot: tree.path, hostPID: nil))
        #expect(await prober.published.ownerLabels().current == expected)
        let inspector = Inspector(prober: prober, setup: Setup(catalog: Catalog(), policy: Policy()))
        #expect(await inspector.look().facts.claims.nodeLabels == expected)
    }
}
