import Catalog
import Cluster
import ClusterSupport
import Documents
import Health
import Kubernetes
import Logging
import NodeModel
import SimulatedCluster
import Support
import TestSupport
import Testing

@testable import Agent

/// How the daemon finds the pool of its node, waits for it, and notices that it changes.
@Suite struct PoolRoundsTests {
    private let host: TemporaryDirectory
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init() throws {
        host = try TemporaryDirectory()
        try host.write("catalog/a.yaml", "apiVersion: gpu-agent/v1\nkind: DriverCatalog\n")
    }

    private func rounds(_ cluster: TestCluster, secondPool mode: String = "label") throws -> PoolRounds {
        try host.write(
            "config.yaml",
            """
            apiVersion: gpu-agent/v1
            kind: AgentConfig
            pools:
              - {name: grid, nodeSelector: {matchLabels: {pool: grid}}, settings: {mode: manage}}
              - name: alone
                nodeSelector: {matchExpressions: [{key: alone, operator: Exists}]}
                settings: {mode: \(mode)}
            """
        )
        let settings = Settings(
            hostRoot: host.path,
            hostPID: nil,
            catalogDirectory: host.path("catalog"),
            configFile: host.path("config.yaml")
        )
        let setup = try Setup.load(settings)
        let config = try #require(setup.pools)
        let daemon = Daemon(
            inspector: Inspector(prober: try Prober(settings), setup: setup),
            settings: settings,
            options: DaemonOptions(
                node: TestCluster.nodeName,
                cluster: nil,
                host: "127.0.0.1",
                port: 0,
                interval: .seconds(300),
                startJitter: .zero,
                installs: false
            ),
            environment: [:],
            version: "test",
            logger: logger
        )
        let mirror = NodeMirror(
            client: cluster.client,
            node: TestCluster.nodeName,
            prefix: "gpu-agent.dev",
            patience: .seconds(60),
            selectorKeys: config.selectorKeys,
            logger: logger
        )
        return PoolRounds(
            daemon: daemon,
            settings: settings,
            config: config,
            mirror: mirror,
            client: cluster.client,
            box: SnapshotBox()
        )
    }

    private func label(_ cluster: TestCluster, _ labels: [String: JSON]) async throws {
        try await cluster.changeNode(["metadata": ["labels": .object(labels)]])
    }

    @Test func oneReadOfTheNodeFindsThePool() async throws {
        try await TestCluster.with { cluster in
            try await label(cluster, ["pool": "grid", "nvidia.com/gpu.count": "1"])
            cluster.server.log.clear()
            let rounds = try rounds(cluster)
            #expect(await rounds.labels(after: .zero) == ["pool": "grid"])
            // The inspection that follows takes the same answer.
            #expect(await rounds.mirror.ownerLabels().current == .present([:]))
            #expect(cluster.server.log.all.map(\.method) == ["GET"])
            #expect(await rounds.mirror.selected == SelectedLabels(of: ["pool": "grid"], keys: ["pool", "alone"]))
        }
    }

    @Test func aNodeThatCannotBeReadIsReadAgain() async throws {
        try await TestCluster.with { cluster in
            try await label(cluster, ["pool": "grid"])
            cluster.server.faults.add(Fault(.drop, times: 1))
            let rounds = try rounds(cluster)
            var former = PublishedState(node: TestCluster.nodeName)
            former.selectedLabels = SelectedLabels(of: ["pool": "old"], keys: ["pool", "alone"])
            try await rounds.daemon.inspector.prober.published.save(former)
            #expect(await rounds.labels(after: .zero) == ["pool": "grid"])
            #expect(rounds.box.awaited?.contains("pool-unknown") == true)
            let file = rounds.daemon.inspector.prober.published
            // Commands do not take the labels of an earlier agent meanwhile.
            #expect(await file.load()?.selectedLabels == nil)
            #expect(await file.load()?.ownerLabelsFailure != nil)
        }
    }

    /// Waits for a task of the daemon that ends when it is canceled.
    private func whileWaiting(_ rounds: PoolRounds, _ body: () async throws -> Void) async throws {
        let waiting = Task { await rounds.labels(after: .zero) }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
        waiting.cancel()
        #expect(await waiting.value == nil)
        try outcome.get()
    }

    @Test func twoMatchingPoolsMakeTheDaemonWait() async throws {
        try await TestCluster.with { cluster in
            try await label(cluster, ["pool": "grid", "alone": ""])
            cluster.server.log.clear()
            let rounds = try rounds(cluster)
            try await whileWaiting(rounds) {
                let file = rounds.daemon.inspector.prober.published
                try await eventually("the labels are on the host") {
                    await file.load()?.selectedLabels?.labels == ["pool": "grid", "alone": ""]
                }
                let body = try #require(rounds.box.awaited)
                #expect(body.contains("pool-conflict") && body.contains("'grid'") && body.contains("'alone'"))
                #expect(rounds.box.snapshot == nil)
            }
            // The daemon wrote nothing to the Node.
            #expect(Set(cluster.server.log.all.map(\.method)) == ["GET"])
        }
    }

    @Test func aPoolThatIsObservedKeepsTheDaemonFromWritingToTheHost() async throws {
        try await TestCluster.with { cluster in
            try await label(cluster, ["pool": "grid", "alone": ""])
            let rounds = try rounds(cluster, secondPool: "observe")
            try await whileWaiting(rounds) {
                try await eventually("the daemon waits") { rounds.box.awaited != nil }
            }
            #expect(await rounds.daemon.inspector.prober.published.load() == nil)
        }
    }

    @Test(
        arguments: [
            (["pool": "other"], true), (["alone": ""], true), (["zone": "b"], false), (["pool": "grid"], false),
        ] as [([String: JSON], Bool)]
    )
    func aLabelThatSelectsAnotherPoolEndsTheRound(_ labels: [String: JSON], _ ends: Bool) async throws {
        try await TestCluster.with { cluster in
            try await label(cluster, ["pool": "grid"])
            let rounds = try rounds(cluster)
            let found = try #require(await rounds.labels(after: .zero))
            let current = rounds.config.choice(.present(found))
            let watcher = PoolWatcher(config: rounds.config, current: current, mirror: rounds.mirror)
            let watching = Task { try await watcher.run() }
            try await label(cluster, labels)
            _ = await rounds.mirror.observe(.modified(try await cluster.client.node(TestCluster.nodeName)))
            if ends {
                try await watching.value
            } else {
                try await Task.sleep(for: .milliseconds(50))
                watching.cancel()
                try await watching.value
            }
            #expect(watcher.hasChanged == ends)
        }
    }
}
