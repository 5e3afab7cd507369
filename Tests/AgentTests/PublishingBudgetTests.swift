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

/// The requests of the publisher and the watch during failures, as the API server counts them.
@Suite(.timeLimit(.minutes(2)))
struct PublishingBudgetTests {
    private let publication = Publication(
        labels: ["gpu-agent.dev/verdict": "ready", "nvidia.com/gpu.count": "1"],
        undetermined: [],
        taint: .absent,
        verdict: .ready,
        message: "ready: a test"
    )

    /// Runs the publisher and the watch with a cluster while `body` runs.
    private func withPublisher(
        _ cluster: TestCluster,
        _ body: (NodePublisher) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let mirror = NodeMirror(
            client: cluster.client,
            node: TestCluster.nodeName,
            prefix: "gpu-agent.dev",
            logger: logger
        )
        let publisher = NodePublisher(mirror: mirror, logger: logger)
        let link = ClusterLink(mirror: mirror, publisher: publisher)
        let watcher = NodeWatcher(client: cluster.client, cluster: link, wakeUp: WakeUp(), logger: logger)
        let tasks: [Task<Void, Never>] = [
            Task { await publisher.run { _ in } }, Task { _ = try? await watcher.run() },
        ]
        await publisher.want(publication)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(publisher)) } catch { outcome = .failure(error) }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        try outcome.get()
    }

    /// Changes the Node ten times per second as another client.
    ///
    /// It continues for `duration`, and then until `isDone` or for at most a minute.
    private func disturb(
        _ cluster: TestCluster,
        for duration: Duration,
        until isDone: () async -> Bool = { true },
        _ patch: (Int) -> JSONPatch
    ) async throws {
        let start = ContinuousClock.now
        var count = 0
        while true {
            let time = ContinuousClock.now - start
            if time >= duration, await isDone() { return }
            try #require(time < .seconds(60), "not within a minute")
            try await cluster.changeNode(patch(count), fieldManager: "somebody")
            count += 1
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private typealias JSONPatch = TestCluster.Patch

    private func requests(_ cluster: TestCluster) -> [String] {
        cluster.server.log.all.filter { $0.userAgent?.hasPrefix("gpu-agent/") == true }.map(\.method)
    }

    @Test func aPolicyThatDeniesEveryWriteCostsAHandfulOfRequests() async throws {
        try await TestCluster.with { cluster in
            let text = "nodes \"gpu-1\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no"
            cluster.server.faults.add(
                Fault(.status(422, message: text), times: 100_000, method: "PATCH", target: "force")
            )
            try await withPublisher(cluster) { publisher in
                try await eventually("the first attempt failed") { await publisher.state.failure != nil }
                try await disturb(cluster, for: .seconds(6)) {
                    ["metadata": ["annotations": ["beat": .string("\($0)")], "labels": ["other": .string("\($0)")]]]
                }
                // Before the fix: hundreds of reads and patches in these seconds.
                #expect(requests(cluster).count <= 6, "\(requests(cluster))")
                let failure = await publisher.state.failure
                #expect(failure?.contains("ValidatingAdmissionPolicy 'p'") == true)
            }
        }
    }

    @Test func aLabelThatSomebodyKeepsChangingIsWrittenAFewTimesAMinute() async throws {
        try await TestCluster.with { cluster in
            try await withPublisher(cluster) { publisher in
                try await eventually("the first write") { requests(cluster).contains("PATCH") }
                let contest = ContestedField(field: "the label gpu-agent.dev/verdict", managers: ["somebody"])
                try await disturb(cluster, for: .seconds(6), until: { await publisher.state.contested == [contest] }) {
                    _ in ["metadata": ["labels": ["gpu-agent.dev/verdict": "contested"]]]
                }
                let writes = requests(cluster).filter { $0 == "PATCH" }.count
                #expect((1...FieldContests.rewritesPerMinute + 1).contains(writes), "\(requests(cluster))")
                #expect(await publisher.state.failure == nil)
                // Another field is still brought up to date at once.
                var changed = publication
                changed.labels["nvidia.com/gpu.count"] = "2"
                await publisher.want(changed)
                try await eventually("the labels are written") {
                    try await cluster.client.node(TestCluster.nodeName).metadata.labels["nvidia.com/gpu.count"] == "2"
                }
            }
        }
    }

    @Test func aTaintThatSomebodyKeepsAddingIsRemovedAFewTimesAMinute() async throws {
        try await TestCluster.with { cluster in
            try await withPublisher(cluster) { publisher in
                try await eventually("the first publication") { await publisher.state.at != nil }
                let contest = ContestedField(field: "the taint gpu-agent.dev/not-ready", managers: ["somebody"])
                try await disturb(cluster, for: .seconds(6), until: { await publisher.state.contested == [contest] }) {
                    _ in ["spec": ["taints": [["key": "gpu-agent.dev/not-ready", "effect": "NoSchedule"]]]]
                }
                #expect(requests(cluster).count <= FieldContests.rewritesPerMinute + 6, "\(requests(cluster))")
                try await eventually("the agent saw the last change") { await publisher.state.tainted == true }
            }
        }
    }

    /// Nothing is to be written, so only the broken watch tells of the outage.
    @Test func anOutageIsNoticedWithoutAnythingToWrite() async throws {
        try await TestCluster.with { cluster in
            try await withPublisher(cluster) { publisher in
                try await eventually("a watch") { await cluster.server.store.openWatches == 1 }
                #expect(await publisher.state.failure == nil)
                cluster.server.faults.add(Fault(.drop, times: 100_000))
                await cluster.server.store.endWatches()
                try await eventually("a failure") { await publisher.state.failure != nil }
                #expect(await publisher.state.at != nil)
            }
        }
    }

    @Test func aServerThatComesBackIsToldAtOnceAndWatchedAgain() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.drop, times: 100_000))
            try await withPublisher(cluster) { _ in
                try await Task.sleep(for: .seconds(3))
                #expect(requests(cluster).count <= 4, "\(requests(cluster))")
                cluster.server.faults.clear()
                try await eventually("the Node is up to date") {
                    let labels = try await cluster.client.node(TestCluster.nodeName).metadata.labels
                    return labels["gpu-agent.dev/verdict"] == "ready"
                }
            }
        }
    }
}
