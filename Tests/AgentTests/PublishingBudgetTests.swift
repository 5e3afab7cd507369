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
@Suite(.timeLimit(.minutes(4)))
struct PublishingBudgetTests {
    /// Changes the Node ten times per second as another client.
    ///
    /// It continues for `duration`, and then until `isDone` or for at most two minutes.
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
            try #require(time < .seconds(120), "not within two minutes")
            try await cluster.changeNode(patch(count), fieldManager: "somebody")
            count += 1
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private typealias JSONPatch = TestCluster.Patch

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
                #expect(requestsOfTheAgent(cluster).count <= 6, "\(requestsOfTheAgent(cluster))")
                let failure = await publisher.state.failure
                #expect(failure?.contains("ValidatingAdmissionPolicy 'p'") == true)
            }
        }
    }

    @Test func aLabelThatSomebodyKeepsChangingIsWrittenAFewTimesAMinute() async throws {
        try await TestCluster.with { cluster in
            try await withPublisher(cluster) { publisher in
                try await eventually("the first write") { requestsOfTheAgent(cluster).contains("PATCH") }
                let contest = ContestedField(field: "the label gpu-agent.dev/verdict", managers: ["somebody"])
                try await disturb(cluster, for: .seconds(6), until: { await publisher.state.contested == [contest] }) {
                    _ in ["metadata": ["labels": ["gpu-agent.dev/verdict": "contested"]]]
                }
                let writes = requestsOfTheAgent(cluster).filter { $0 == "PATCH" }.count
                // The labels and the conditions are written first.
                #expect((1...FieldContests.rewritesPerMinute + 2).contains(writes), "\(requestsOfTheAgent(cluster))")
                #expect(await publisher.state.failure == nil)
                // Another field is still brought up to date at once.
                var changed = testPublication
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
                #expect(
                    requestsOfTheAgent(cluster).count <= FieldContests.rewritesPerMinute + 6,
                    "\(requestsOfTheAgent(cluster))"
                )
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

    /// The server asks for a minute, and then answers the watch.
    @Test func aServerThatAnswersEndsTheWait() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(.tooManyRequests(retryAfter: 60))
            try await withPublisher(cluster) { publisher in
                try await eventually("a failure") { await publisher.state.failure != nil }
                let start = ContinuousClock.now
                try await eventually("the Node is up to date") {
                    await publisher.serverAnswers()
                    return await publisher.state.at != nil
                }
                #expect(ContinuousClock.now - start < .seconds(30))
            }
        }
    }

    @Test func aServerThatComesBackIsToldAtOnceAndWatchedAgain() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.drop, times: 100_000))
            try await withPublisher(cluster) { _ in
                try await Task.sleep(for: .seconds(3))
                #expect(requestsOfTheAgent(cluster).count <= 4, "\(requestsOfTheAgent(cluster))")
                cluster.server.faults.clear()
                try await eventually("the Node is up to date") {
                    let labels = try await cluster.client.node(TestCluster.nodeName).metadata.labels
                    return labels["gpu-agent.dev/verdict"] == "ready"
                }
            }
        }
    }
}
