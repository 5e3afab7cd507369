import Catalog
import Cluster
import ClusterSupport
import Kubernetes
import Logging
import NodeModel
import Reporting
import SimulatedCluster
import Support
import TestSupport
import Testing

@testable import Agent

/// The daemon's loop beside an API server, on a host that is an empty tree.
@Suite(.timeLimit(.minutes(2)))
struct ReconcilerTests {
    /// Runs the loop beside a cluster while `body` runs.
    private func withLoop(
        _ cluster: TestCluster,
        startJitter: Duration = .zero,
        _ body: (SnapshotBox) async throws -> Void
    ) async throws {
        let host = try TemporaryDirectory()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let link = TestLink(cluster)
        let prober = try Prober(Settings(hostRoot: host.path, hostPID: nil))
        var inspector = Inspector(prober: prober, setup: Setup(catalog: Catalog(), policy: Policy()))
        inspector.owners = link.mirror
        let (box, wakeUp) = (SnapshotBox(), WakeUp())
        let reconciler = Reconciler(
            inspector: inspector,
            install: nil,
            cluster: ClusterLink(mirror: link.mirror, publisher: link.publisher),
            wakeUp: wakeUp,
            box: box,
            startJitter: startJitter,
            logger: logger
        )
        let loop = Task { try await reconciler.run() }
        let publishing = Task {
            await link.publisher.run { ownersChanged in if ownersChanged { wakeUp.ring() } }
        }
        defer { publishing.cancel() }
        do { try await body(box) } catch {
            loop.cancel()
            throw error
        }
        loop.cancel()
        try await loop.value
    }

    private func labels(_ box: SnapshotBox) -> Reading<[String: String]>? {
        box.snapshot?.view.facts.claims.nodeLabels
    }

    private func until(_ condition: () async -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while await !condition() {
            try #require(ContinuousClock.now < end, "not within 30 seconds")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    @Test func knowsTheLabelsAtItsFirstLook() async throws {
        try await TestCluster.with { cluster in
            try await cluster.changeNode(["metadata": ["labels": [OwnerLabel.gpuOperatorDriver: "true"]]])
            try await withLoop(cluster) { box in
                try await until { box.snapshot != nil }
                #expect(labels(box) == .present([OwnerLabel.gpuOperatorDriver: "true"]))
            }
        }
    }

    @Test func looksAgainOnceTheServerAnswers() async throws {
        try await TestCluster.with { cluster in
            // As many as there are attempts for the first look; publishing then comes through.
            cluster.server.faults.add(Fault(.drop, times: 3))
            try await withLoop(cluster) { box in
                try await until { labels(box) == .present([:]) }
                #expect(box.snapshot?.requests.contains { $0.verb == "get" && $0.outcome == "failed" } == true)
            }
        }
    }

    @Test func goesOnWithoutTheServer() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.drop, times: 10_000))
            try await withLoop(cluster) { box in
                try await until { box.snapshot != nil }
                #expect(labels(box)?.failure?.reason == .io)
            }
        }
    }

    @Test func asksNothingBeforeTheStartJitterIsOver() async throws {
        try await TestCluster.with { cluster in
            // A random part of it is waited.
            try await withLoop(cluster, startJitter: .seconds(1_000_000)) { _ in
                try await Task.sleep(for: .milliseconds(300))
                #expect(cluster.server.log.all.isEmpty)
            }
        }
    }
}
