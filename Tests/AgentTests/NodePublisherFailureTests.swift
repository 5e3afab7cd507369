import Agent
import Cluster
import ClusterSupport
import FoundationEssentials
import Kubernetes
import NodeModel
import Reporting
import SimulatedCluster
import Support
import TestSupport
import Testing

/// The publisher with an API server over TLS that refuses a request, or does not answer it.
@Suite struct NodePublisherFailureTests {
    private func publisher(_ cluster: TestCluster) -> TestLink { TestLink(cluster) }

    @Test(arguments: [429, 500, 503])
    func triesAgainWhenTheServerIsBusy(status: Int) async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.status(status, message: "busy"), times: 2))
            try await publisher(cluster).publish(publication(.ready))
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.metadata.labels["gpu-agent.dev/verdict"] == "ready")
        }
    }

    @Test func remembersAFailureAndChangesNothing() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready))
            cluster.server.faults.add(Fault(.status(403, message: "no"), times: 1, method: "PATCH"))
            await #expect(throws: KubernetesError.self) {
                try await publisher.publish(publication(.ready, ["nvidia.com/gpu.count": "2"]))
            }
            #expect(await publisher.state.failure == "cannot apply the labels of the Node: no")
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.metadata.labels["nvidia.com/gpu.count"] == "1")
            try await publisher.publish(publication(.ready, ["nvidia.com/gpu.count": "2"]))
            #expect(await publisher.state.failure == nil)
        }
    }

    /// The next agent needs minutes to start on a busy node, and `status` shows this state until then.
    @Test(arguments: [("GET", TestCluster.nodeName), ("PATCH", "/\(TestCluster.nodeName)?"), ("PATCH", "/status?")])
    func aRequestThatIsGivenUpAtTheEndIsNoFailure(method: String, target: String) async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            try await link.publish(publication(.ready, conditions: [gpuReady(.yes)]))
            let before = await link.state
            cluster.server.faults.add(Fault(.hang(.seconds(60)), method: method, target: target))
            let task = Task {
                if method == "GET" { _ = await link.mirror.ownerLabels(noOlderThan: .zero) }
                await link.publisher.run { _ in }
            }
            let changed = publication(.notReady, conditions: [gpuReady(.no)])
            await link.publisher.want(changed)
            try await eventually("the server has the request") {
                cluster.server.faults.isEmpty
            }
            task.cancel()
            await task.value
            let state = await link.state
            #expect(state.failure == nil && state.conditionsFailure == nil && state.ownerLabelsFailure == nil)
            #expect(state.ownerLabels == before.ownerLabels)
        }
    }

    @Test(arguments: [(Verdict.ready, Verdict.notReady), (.notReady, .ready)])
    func anAgentThatIsCutOffBetweenTaintAndLabelsLeavesNoLie(before: Verdict, after: Verdict) async throws {
        try await TestCluster.with { cluster in
            let first = publisher(cluster)
            try await first.publish(publication(before))
            cluster.server.faults.add(Fault(.status(403, message: "cut off"), times: 1, target: "force=true"))
            await #expect(throws: KubernetesError.self) { try await first.publish(publication(after)) }
            // What the next agent finds is again as it was at first.
            try await publisher(cluster).publish(publication(before))
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.taints.isEmpty == (before == .ready))
            #expect(node.metadata.labels["gpu-agent.dev/verdict"] == before.rawValue)
        }
    }

    /// Whichever way the verdict changes, an agent that is cut off before the labels leaves the taint on.
    @Test(arguments: [(Verdict.ready, Verdict.notReady), (.notReady, .ready)])
    func theTaintIsOnUntilTheLabelsAreThere(before: Verdict, after: Verdict) async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await publisher.publish(publication(before))
            cluster.server.faults.add(Fault(.status(403, message: "cut off"), times: 1, target: "force=true"))
            await #expect(throws: KubernetesError.self) { try await publisher.publish(publication(after)) }
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.taints.map(\.key) == ["gpu-agent.dev/not-ready"])
            #expect(await publisher.state.tainted == true)
        }
    }
}
