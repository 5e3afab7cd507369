import Catalog
import Cluster
import ClusterSupport
import FoundationEssentials
import Host
import HostSupport
import Kubernetes
import Logging
import NodeModel
import Reporting
import SimulatedCluster
import Support
import TestSupport
import Testing

@testable import Agent

/// What the daemon records about the start of the node and about its installs.
@Suite(.timeLimit(.minutes(2)))
struct BootRecordingTests {
    private func reconciler(
        _ inspector: Inspector,
        install: InstallRun? = nil,
        cluster: ClusterLink? = nil,
        _ box: SnapshotBox,
        mode: AgentMode = .manage
    ) -> Reconciler {
        Reconciler(
            inspector: inspector,
            install: install,
            cluster: cluster,
            wakeUp: Bell(),
            box: box,
            startJitter: .zero,
            mode: mode,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private func run(_ reconciler: Reconciler, until what: String, _ holds: () async -> Bool) async throws {
        let loop = Task { try await reconciler.run() }
        defer { loop.cancel() }
        try await eventually("\(what)") { await holds() }
        loop.cancel()
        try await loop.value
    }

    /// The file has the times of the first agent, and the mode `observe` writes none.
    @Test(arguments: AgentMode.allCases)
    func outlivesTheAgent(_ mode: AgentMode) async throws {
        let host = try TemporaryDirectory()
        try host.write("proc/sys/kernel/random/boot_id", "8a1c6a5e-0000-4000-8000-000000000001\n")
        let prober = try Prober(Settings(hostRoot: host.path, hostPID: nil))
        let inspector = Inspector(prober: prober, setup: Setup(catalog: Catalog(), policy: Policy()))
        let file = BootRecordFile(root: prober.root)
        let box = SnapshotBox()
        try await run(reconciler(inspector, box, mode: mode), until: "the first inspection") { box.snapshot != nil }
        guard mode != .observe else {
            #expect(await file.load() == nil && box.boot == nil)
            return
        }
        let first = try #require(await file.load())
        #expect(first == box.boot && first[.agent] != nil && first[.ready] == nil)
        let next = SnapshotBox()
        try await run(reconciler(inspector, next, mode: mode), until: "a new agent") { next.snapshot != nil }
        #expect(next.boot?[.agent] == first[.agent])
        try host.write("proc/sys/kernel/random/boot_id", "another\n")
        let other = SnapshotBox()
        try await run(reconciler(inspector, other, mode: mode), until: "a new boot") { other.snapshot != nil }
        #expect(other.boot?.boot == "another" && other.boot?[.agent] != first[.agent])
    }

    @Test(.enabled(if: PrivateHost.isPossible, PrivateHost.reason))
    func countsAnInstallThatWorks() async throws {
        try await ScriptedHost.with { host in
            let box = SnapshotBox()
            let reconciler = reconciler(host.inspector, install: host.install(), box)
            try await run(reconciler, until: "the node is ready") { box.snapshot?.view.report.verdict == .ready }
            let record = try #require(box.boot)
            #expect(record.attempts == 1 && record.failures.isEmpty && record.failuresInARow == 0)
            #expect(record[.build] != nil && record[.ready] != nil)
            #expect(await BootRecordFile(root: host.inspector.prober.root).load() == record)
        }
    }

    @Test(.enabled(if: PrivateHost.isPossible, PrivateHost.reason))
    func countsAnInstallThatFails() async throws {
        try await ScriptedHost.with { host in
            try host.order("no-compiler")
            let box = SnapshotBox()
            let reconciler = reconciler(host.inspector, install: host.install(), box)
            try await run(reconciler, until: "the installer failed") {
                box.snapshot?.view.report.reason == .installerFailed
            }
            let record = try #require(box.boot)
            #expect(record.attempts == 1 && record.failures == ["installer-failed": 1] && record.failuresInARow == 1)
            #expect(record[.ready] == nil)
        }
    }

    /// A Node that was made in this boot has the time of its creation, and another one that at which it became ready.
    @Test(arguments: [
        ("08:00:00", "07:00:00", "True", "08:00:00"), ("08:00:00", "09:00:00", "True", "08:00:00"),
        ("06:00:00", "09:00:00", "True", "09:00:00"), ("06:00:00", "09:00:00", "False", nil),
        ("06:00:00", "09:00:00", "Unknown", nil), ("06:00:00", "07:00:00", "True", nil),
        ("06:00:00", "soon", "True", nil), ("soon", "09:00:00", "True", "09:00:00"),
    ])
    func theKubeletIsThereOnceItsNodeIs(
        _ created: String,
        _ ready: String,
        _ status: String,
        _ joined: String?
    ) throws {
        let text = """
            {"metadata": {"name": "n", "creationTimestamp": "2026-11-30T\(created)Z"}, "status": {"conditions": [
              {"type": "MemoryPressure", "status": "True", "lastTransitionTime": "2026-11-30T09:30:00Z"},
              {"type": "Ready", "status": "\(status)", "lastTransitionTime": "2026-11-30T\(ready)Z"}]}}
            """
        let node = try JSONDecoder().decode(Node.self, from: Data(text.utf8))
        let boot = try #require(Timestamp("2026-11-30T07:30:00.250Z"))
        #expect(node.joined(since: boot) == joined.flatMap { Timestamp("2026-11-30T\($0)Z") })
    }

    @Test func theTaintKeepsItsTime() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            try await link.publish(publication(.notReady))
            let since = try #require(await link.state.taintedSince)
            try await link.publish(publication(.installing))
            #expect(await link.state.taintedSince == since)
            try await link.publish(publication(.ready))
            #expect(await link.state.taintedSince == nil)
            let later = NodePublisher(
                mirror: link.mirror,
                taintedSince: Timestamp(100),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            try await later.publish(publication(.notReady))
            // The taint was gone before.
            #expect(await later.state.taintedSince != Timestamp(100))
        }
    }

    @Test func requestsHaveTheirResource() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            try await link.publish(publication(.notReady, conditions: [gpuReady(.no)]))
            let kinds = await link.mirror.requestCounts.map { "\($0.verb) \($0.resource) \($0.outcome)" }
            #expect(
                kinds == [
                    "apply nodes ok", "apply-status nodes/status ok", "event events ok", "get nodes ok",
                    "patch nodes ok",
                ]
            )
        }
    }
}
