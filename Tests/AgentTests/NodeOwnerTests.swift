import Cluster
import ClusterSupport
import Kubernetes
import NodeModel
import Reporting
import SimulatedCluster
import Support
import Testing

@testable import Agent

/// The labels that name the driver owner, as the mirror of the Node reads them from the API server.
@Suite struct NodeOwnerTests {
    private let operatorLabel = OwnerLabel.gpuOperatorDriver

    private func link(_ cluster: TestCluster, previous: PublishedState? = nil) -> TestLink {
        TestLink(cluster, previous: previous)
    }

    private let publication = Publication(
        labels: ["gpu-agent.dev/verdict": "ready"],
        undetermined: [],
        taint: .absent,
        verdict: .ready,
        message: "ready: a test"
    )

    private func label(_ cluster: TestCluster, _ labels: [String: JSON]) async throws -> Node {
        try await cluster.changeNode(["metadata": ["labels": .object(labels)]], fieldManager: "gpu-operator")
        return try await cluster.client.node(TestCluster.nodeName)
    }

    @Test func areReadByTheOneRequestThatPublishingNeedsAnyway() async throws {
        try await TestCluster.with { cluster in
            _ = try await label(cluster, [operatorLabel: "true", "nvidia.com/gpu.deploy.dcgm": "true"])
            cluster.server.log.clear()
            let link = link(cluster)
            #expect(await link.mirror.ownerLabels().current == .present([operatorLabel: "true"]))
            #expect(await link.mirror.ownerLabels().current == .present([operatorLabel: "true"]))
            #expect(await link.mirror.watchVersion() != nil)
            let first = cluster.server.log.all
            #expect(first.map(\.method) == ["GET"])
            try await link.publish(publication)
            // The labels and the event: as many as without the owners' labels.
            #expect(cluster.server.log.all.map(\.method) == ["GET", "PATCH", "POST"])
            #expect(await link.state.ownerLabels == [operatorLabel: "true"])
        }
    }

    /// The GPU Operator says in an annotation that it replaces drivers by itself.
    @Test func includeWhatTheUpgradeControllerWrites() async throws {
        try await TestCluster.with { cluster in
            let written: [String: JSON] = [OperatorLabel.upgradeEnabled: "true", "nvidia.com/other": "true"]
            try await cluster.changeNode(["metadata": ["annotations": .object(written)]])
            _ = try await label(cluster, [OperatorLabel.upgradeState: "upgrade-required"])
            let expected = [OperatorLabel.upgradeEnabled: "true", OperatorLabel.upgradeState: "upgrade-required"]
            #expect(await link(cluster).mirror.ownerLabels().current == .present(expected))
        }
    }

    @Test func areNoneOnANodeThatNobodyClaims() async throws {
        try await TestCluster.with { cluster in
            #expect(await link(cluster).mirror.ownerLabels().current == .present([:]))
        }
    }

    @Test func aChangeOfOneConcernsTheAgentAndCostsNoRequest() async throws {
        try await TestCluster.with { cluster in
            let link = link(cluster)
            _ = await link.mirror.ownerLabels()
            let changes: [([String: JSON], [String: String], NodeMirror.Change)] = [
                ([operatorLabel: "true"], [operatorLabel: "true"], .owner),
                (["nvidia.com/gpu.deploy.dcgm": "true"], [operatorLabel: "true"], .written),
                ([operatorLabel: "pre-installed"], [operatorLabel: "pre-installed"], .owner),
                (
                    [operatorLabel: .null, OwnerLabel.gkeDriverVersion: "latest"],
                    [OwnerLabel.gkeDriverVersion: "latest"], .owner
                ),
            ]
            for (patch, expected, change) in changes {
                let seen = try await label(cluster, patch)
                cluster.server.log.clear()
                #expect(await link.observe(.modified(seen)) == change)
                #expect(await link.mirror.ownerLabels().current == .present(expected))
                #expect(await link.state.ownerLabels == expected)
                #expect(cluster.server.log.all.isEmpty)
            }
        }
    }

    @Test func areUnreadableWithoutTheServerWhichPublishingDoesNotAskAgainAtOnce() async throws {
        try await TestCluster.with { cluster in
            let link = link(cluster)
            cluster.server.faults.add(Fault(.drop, times: 1000))
            #expect(await link.mirror.ownerLabels().current.failure?.reason == .io)
            let asked = cluster.server.log.all.count
            await #expect(throws: KubernetesError.self) { try await link.publish(publication) }
            #expect(cluster.server.log.all.count == asked)
            #expect(await link.state.ownerLabels == nil)
            cluster.server.faults.clear()
            _ = try await label(cluster, [operatorLabel: "true"])
            _ = await link.mirror.ownerLabels()
            try await link.publish(publication)
            #expect(await link.mirror.ownerLabels().current == .present([operatorLabel: "true"]))
        }
    }

    @Test func areGivenUpAtTheDeadline() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.hang(.seconds(60)), times: 1000))
            let began = ContinuousClock.now
            #expect(await link(cluster).mirror.ownerLabels(within: .milliseconds(300)).current.failure?.reason == .hang)
            #expect(ContinuousClock.now - began < .seconds(50))
        }
    }

    @Test func areUnreadableForWhoMayNotReadTheNode() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.status(403, message: "no"), times: 1000))
            #expect(await link(cluster).mirror.ownerLabels().current.failure?.reason == .permission)
        }
    }

    @Test func areUnreadableBesideWhatWasSeenLastWhenTheServerGoesAway() async throws {
        try await TestCluster.with { cluster in
            _ = try await label(cluster, [operatorLabel: "true"])
            let link = link(cluster)
            try await link.publish(publication)
            cluster.server.faults.add(Fault(.drop, times: 1000))
            var changed = publication
            changed.labels["nvidia.com/gpu.count"] = "2"
            await #expect(throws: KubernetesError.self) { try await link.publish(changed) }
            let labels = await link.mirror.ownerLabels()
            #expect(labels.current.failure?.reason == .io && labels.last == [operatorLabel: "true"])
            let state = await link.state
            #expect(state.ownerLabels == [operatorLabel: "true"] && state.ownerLabelsFailure != nil)
            // The next agent on this node knows it too, before it reaches the server.
            let next = self.link(cluster, previous: state)
            let known = await next.mirror.ownerLabels()
            #expect(known.current.failure != nil && known.last == [operatorLabel: "true"])
            #expect(await self.link(cluster, previous: PublishedState(node: "other")).mirror.ownerLabels().last == nil)
        }
    }

    @Test func areAskedForAgainWhenTheWatchBreaksOrTheAnswerIsTooOld() async throws {
        try await TestCluster.with { cluster in
            let link = link(cluster)
            _ = await link.mirror.ownerLabels()
            #expect(await link.mirror.ownerLabels(noOlderThan: .seconds(60)).current == .present([:]))
            _ = try await label(cluster, [operatorLabel: "true"])
            #expect(await link.mirror.ownerLabels().current == .present([:]))
            #expect(await link.mirror.ownerLabels(noOlderThan: .zero).current == .present([operatorLabel: "true"]))
            cluster.server.faults.add(Fault(.drop, times: 1000))
            _ = await link.observe(.failed(.timedOut(subject: "watch", after: .seconds(1))))
            #expect(await link.mirror.ownerLabels().current.failure != nil)
        }
    }

    @Test func goWithTheNode() async throws {
        try await TestCluster.with { cluster in
            let seen = try await label(cluster, [operatorLabel: "true"])
            let link = link(cluster)
            _ = await link.mirror.ownerLabels()
            await cluster.deleteNode()
            #expect(await link.observe(.deleted(seen)) == .owner)
            #expect(await link.state.ownerLabels == nil)
            #expect(await link.mirror.ownerLabels().current.failure?.reason == .io)
        }
    }
}
