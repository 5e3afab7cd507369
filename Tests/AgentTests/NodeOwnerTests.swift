import Cluster
import ClusterSupport
import Kubernetes
import Logging
import NodeModel
import Reporting
import SimulatedCluster
import Support
import Testing

@testable import Agent

/// The labels that say who owns the driver, as the publisher has them from the API server.
@Suite struct NodeOwnerTests {
    private let operatorLabel = OwnerLabel.gpuOperatorDriver

    private func publisher(_ cluster: TestCluster, previous: PublishedState? = nil) -> NodePublisher {
        NodePublisher(
            client: cluster.client,
            node: TestCluster.nodeName,
            prefix: "gpu-agent.dev",
            retry: RetryPolicy(base: .milliseconds(1), cap: .milliseconds(5), attempts: 3),
            previous: previous,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private let publication = Publication(
        labels: ["gpu-agent.dev/verdict": "ready"],
        undetermined: [],
        taint: .absent,
        verdict: .ready,
        message: "ready: a test"
    )

    private func label(_ cluster: TestCluster, _ labels: [String: JSONValue]) async throws -> ObjectMetadata {
        try await cluster.changeNode(["metadata": ["labels": .object(labels)]], fieldManager: "gpu-operator")
        return try await cluster.client.nodeMetadata(TestCluster.nodeName)
    }

    @Test func areReadByTheOneRequestThatPublishingNeedsAnyway() async throws {
        try await TestCluster.with { cluster in
            _ = try await label(cluster, [operatorLabel: "true", "nvidia.com/gpu.deploy.dcgm": "true"])
            cluster.server.log.clear()
            let publisher = publisher(cluster)
            #expect(await publisher.ownerLabels().current == .present([operatorLabel: "true"]))
            #expect(await publisher.ownerLabels().current == .present([operatorLabel: "true"]))
            #expect(await publisher.watchVersion != nil)
            let first = cluster.server.log.all
            #expect(first.map(\.method) == ["GET"])
            #expect(first.first?.accept?.contains("PartialObjectMetadata") == true)
            try await publisher.publish(publication)
            // The whole Node once, the labels, and the event: as many as without the owners' labels.
            #expect(cluster.server.log.all.map(\.method) == ["GET", "GET", "PATCH", "POST"])
            #expect(await publisher.state.ownerLabels == [operatorLabel: "true"])
        }
    }

    @Test func areNoneOnANodeThatNobodyClaims() async throws {
        try await TestCluster.with { cluster in
            #expect(await publisher(cluster).ownerLabels().current == .present([:]))
        }
    }

    @Test func aChangeOfOneConcernsTheAgentAndCostsNoRequest() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            _ = await publisher.ownerLabels()
            let changes: [([String: JSONValue], [String: String], concerns: Bool)] = [
                ([operatorLabel: "true"], [operatorLabel: "true"], true),
                (["nvidia.com/gpu.deploy.dcgm": "true"], [operatorLabel: "true"], false),
                ([operatorLabel: "pre-installed"], [operatorLabel: "pre-installed"], true),
                (
                    [operatorLabel: .null, OwnerLabel.gkeDriverVersion: "latest"],
                    [OwnerLabel.gkeDriverVersion: "latest"], true
                ),
            ]
            for (patch, expected, concerns) in changes {
                let seen = try await label(cluster, patch)
                cluster.server.log.clear()
                #expect(await publisher.observe(.modified(seen)) == concerns)
                #expect(await publisher.ownerLabels().current == .present(expected))
                #expect(await publisher.state.ownerLabels == expected)
                #expect(cluster.server.log.all.isEmpty)
            }
        }
    }

    @Test func areUnreadableWithoutTheServerWhichPublishingDoesNotAskAgainAtOnce() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            cluster.server.faults.add(Fault(.drop, times: 1000))
            #expect(await publisher.ownerLabels().current.failure?.reason == .io)
            let asked = cluster.server.log.all.count
            await #expect(throws: KubernetesError.self) { try await publisher.publish(publication) }
            #expect(cluster.server.log.all.count == asked)
            #expect(await publisher.state.ownerLabels == nil)
            cluster.server.faults.clear()
            _ = try await label(cluster, [operatorLabel: "true"])
            _ = await publisher.ownerLabels()
            try await publisher.publish(publication)
            #expect(await publisher.ownerLabels().current == .present([operatorLabel: "true"]))
        }
    }

    @Test func areGivenUpAtTheDeadline() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.hang(.seconds(60)), times: 1000))
            let began = ContinuousClock.now
            #expect(await publisher(cluster).ownerLabels(within: .milliseconds(300)).current.failure?.reason == .hang)
            #expect(ContinuousClock.now - began < .seconds(5))
        }
    }

    @Test func areUnreadableForWhoMayNotReadTheNode() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.status(403, message: "no"), times: 1000))
            #expect(await publisher(cluster).ownerLabels().current.failure?.reason == .permission)
        }
    }

    @Test func areUnreadableBesideWhatWasSeenLastWhenTheServerGoesAway() async throws {
        try await TestCluster.with { cluster in
            _ = try await label(cluster, [operatorLabel: "true"])
            let publisher = publisher(cluster)
            try await publisher.publish(publication)
            cluster.server.faults.add(Fault(.drop, times: 1000))
            var changed = publication
            changed.labels["nvidia.com/gpu.count"] = "2"
            await #expect(throws: KubernetesError.self) { try await publisher.publish(changed) }
            let labels = await publisher.ownerLabels()
            #expect(labels.current.failure?.reason == .io && labels.last == [operatorLabel: "true"])
            let state = await publisher.state
            #expect(state.ownerLabels == [operatorLabel: "true"] && state.ownerLabelsFailure != nil)
            // The next agent on this node knows it too, before it reaches the server.
            let next = self.publisher(cluster, previous: state)
            let known = await next.ownerLabels()
            #expect(known.current.failure != nil && known.last == [operatorLabel: "true"])
            #expect(await self.publisher(cluster, previous: PublishedState(node: "other")).ownerLabels().last == nil)
        }
    }

    @Test func areAskedForAgainWhenTheWatchBreaksOrTheAnswerIsTooOld() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            _ = await publisher.ownerLabels()
            #expect(await publisher.ownerLabels(noOlderThan: .seconds(60)).current == .present([:]))
            _ = try await label(cluster, [operatorLabel: "true"])
            #expect(await publisher.ownerLabels().current == .present([:]))
            #expect(await publisher.ownerLabels(noOlderThan: .zero).current == .present([operatorLabel: "true"]))
            cluster.server.faults.add(Fault(.drop, times: 1000))
            _ = await publisher.observe(.failed(.timedOut(subject: "watch", after: .seconds(1))))
            #expect(await publisher.ownerLabels().current.failure != nil)
        }
    }

    @Test func goWithTheNode() async throws {
        try await TestCluster.with { cluster in
            let seen = try await label(cluster, [operatorLabel: "true"])
            let publisher = publisher(cluster)
            _ = await publisher.ownerLabels()
            await cluster.deleteNode()
            #expect(await publisher.observe(.deleted(seen)))
            #expect(await publisher.state.ownerLabels == nil)
            #expect(await publisher.ownerLabels().current.failure?.reason == .io)
        }
    }
}
