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

/// The publisher with an API server over TLS: the state of the Node, and the requests.
@Suite struct NodePublisherTests {
    private let prefix = "gpu-agent.dev"

    private func publisher(_ cluster: TestCluster) -> TestLink { TestLink(cluster) }

    private let startupTaints: JSON = [
        "spec": [
            "taints": [
                ["key": "sku", "value": "gpu", "effect": "NoSchedule"],
                ["key": "gpu-agent.dev/not-ready", "effect": "NoSchedule"],
            ]
        ]
    ]

    private func writes(_ cluster: TestCluster) -> [String] {
        cluster.server.log.all.filter { $0.method != "GET" }.map { "\($0.method) \($0.contentType ?? "")" }
    }

    @Test func takesTheTaintOffWhenTheNodeIsReadyAndLeavesEveryOther() async throws {
        try await TestCluster.with { cluster in
            try await cluster.changeNode(startupTaints)
            try await publisher(cluster).publish(publication(.ready))
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.taints.map(\.key) == ["sku"])
            #expect(node.metadata.labels["nvidia.com/gpu.count"] == "1")
            #expect(node.metadata.labels["kubernetes.io/os"] == "linux")
        }
    }

    @Test func putsTheTaintOnWhereItIsMissing() async throws {
        try await TestCluster.with { cluster in
            try await publisher(cluster).publish(publication(.notReady))
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.taints.map(\.key) == ["gpu-agent.dev/not-ready"])
            #expect(node.taints.first?.effect == "NoSchedule")
        }
    }

    @Test func aSecondAgentReadsTheNodeOnceAndWritesNothing() async throws {
        try await TestCluster.with { cluster in
            try await cluster.changeNode(startupTaints)
            try await publisher(cluster).publish(publication(.installing))
            try await publisher(cluster).publish(publication(.ready))
            cluster.server.log.clear()
            let second = publisher(cluster)
            try await second.publish(publication(.ready))
            try await second.publish(publication(.ready))
            let requests = cluster.server.log.all
            #expect(requests.map(\.method) == ["GET"])
        }
    }

    @Test func aReadyAgentMakesOneReadAndOneWriteOnANodeWithoutTheTaint() async throws {
        try await TestCluster.with { cluster in
            try await publisher(cluster).publish(publication(.ready))
            let kinds = cluster.server.log.all.map(\.method)
            // The Node, the labels, and the event.
            #expect(kinds == ["GET", "PATCH", "POST"])
            #expect(writes(cluster).first == "PATCH application/apply-patch+yaml")
        }
    }

    @Test func keepsALabelThatCannotBeTold() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready, ["nvidia.com/gpu.count": "8"]))
            try await publisher.publish(publication(.unknown, [:], undetermined: ["nvidia.com/gpu.count"]))
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.metadata.labels["nvidia.com/gpu.count"] == "8")
            #expect(node.metadata.labels["gpu-agent.dev/verdict"] == "unknown")
            #expect(node.taints.isEmpty)
        }
    }

    @Test func removesALabelThatIsCertainlyGone() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready))
            try await publisher.publish(publication(.noGPU, [:]))
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.metadata.labels["nvidia.com/gpu.count"] == nil)
        }
    }

    @Test func leavesLabelsOfOthersToThem() async throws {
        try await TestCluster.with { cluster in
            let theirs: JSON = ["metadata": ["labels": ["nvidia.com/gpu.count": "4"]]]
            try await cluster.changeNode(theirs, fieldManager: "nfd-master")
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready))
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.metadata.labels["nvidia.com/gpu.count"] == "4")
            #expect(node.metadata.labels["gpu-agent.dev/verdict"] == "ready")
            cluster.server.log.clear()
            try await publisher.publish(publication(.ready))
            #expect(writes(cluster).isEmpty)
        }
    }

    @Test func takesBackItsOwnLabelFromWhoeverChangedIt() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready))
            try await cluster.changeNode(["metadata": ["labels": ["gpu-agent.dev/verdict": "fine"]]])
            let seen = try await cluster.client.node(TestCluster.nodeName)
            #expect(await publisher.observe(.modified(seen)) == .written)
            try await publisher.publish(publication(.ready))
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.metadata.labels["gpu-agent.dev/verdict"] == "ready")
        }
    }

    @Test func aHeartbeatOfTheKubeletDoesNotConcernTheAgent() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready))
            try await cluster.changeNode(["metadata": ["annotations": ["beat": "1"]]], fieldManager: "kubelet")
            let seen = try await cluster.client.node(TestCluster.nodeName)
            #expect(await publisher.observe(.modified(seen)) == .none)
        }
    }

    @Test func aTaintThatSomebodyPutsBackIsTakenOffAgain() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready))
            try await cluster.changeNode(startupTaints)
            let seen = try await cluster.client.node(TestCluster.nodeName)
            #expect(await publisher.observe(.modified(seen)) == .written)
            try await publisher.publish(publication(.ready))
            #expect(try await cluster.client.node(TestCluster.nodeName).taints.map(\.key) == ["sku"])
        }
    }

    @Test func readsAgainWhenTheTaintsChangedUnderIt() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready))
            try await cluster.changeNode(startupTaints)
            _ = await publisher.observe(.modified(try await cluster.client.node(TestCluster.nodeName)))
            cluster.server.faults.add(Fault(.failedTest, times: 2, method: "PATCH"))
            try await publisher.publish(publication(.ready))
            #expect(try await cluster.client.node(TestCluster.nodeName).taints.map(\.key) == ["sku"])
        }
    }

    /// The API servers of a cluster do not agree on the time, so the times in `managedFields` prove nothing.
    @Test func aTaintIsSeenWhateverTheTimesInManagedFieldsSay() async throws {
        try await TestCluster.with { cluster in
            try await publisher(cluster).publish(publication(.ready))
            try await cluster.changeNode(startupTaints, fieldManager: "autoscaler")
            try await cluster.backdate(manager: "autoscaler", to: "2020-01-01T00:00:00Z")
            let managed = try await cluster.client.node(TestCluster.nodeName).metadata.taintOwners
            #expect(managed.compactMap(\.since).allSatisfy { $0.timeIntervalSinceNow < -86400 })
            try await publisher(cluster).publish(publication(.ready))
            #expect(try await cluster.client.node(TestCluster.nodeName).taints.map(\.key) == ["sku"])
        }
    }

    /// The times have whole seconds, so two writes of one manager in a second look the same there.
    @Test func aTaintThatAppearsInTheSameSecondAsAnotherIsSeen() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await cluster.changeNode(["spec": ["taints": [["key": "sku", "effect": "NoSchedule"]]]])
            try await publisher.publish(publication(.ready))
            try await cluster.changeNode(startupTaints)
            let seen = try await cluster.client.node(TestCluster.nodeName)
            #expect(await publisher.observe(.modified(seen)) == .written)
            try await publisher.publish(publication(.ready))
            #expect(try await cluster.client.node(TestCluster.nodeName).taints.map(\.key) == ["sku"])
        }
    }

    /// A second entry of the agent in `managedFields` would keep its label there when the agent lets the label go.
    @Test func theAgentOwnsItsLabelsOnce() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.notReady))
            try await publisher.publish(publication(.ready))
            let metadata = try await cluster.client.node(TestCluster.nodeName).metadata
            #expect(metadata.labelKeys(ownedBy: "gpu-agent", operation: .apply).contains("gpu-agent.dev/verdict"))
            #expect(metadata.labelKeys(ownedBy: "gpu-agent", operation: .update).isEmpty)
        }
    }

    @Test func aDeletedNodeIsNotMadeAnew() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready))
            await cluster.deleteNode()
            await #expect(throws: KubernetesError.self) {
                try await publisher.publish(publication(.ready, ["nvidia.com/gpu.count": "2"]))
            }
            #expect(await cluster.server.store.object(ObjectKey(resource: "nodes", name: TestCluster.nodeName)) == nil)
        }
    }

    /// When the owner of a label removes it, the agent sets the label again.
    @Test func takesUpALabelThatItsOwnerRemoved() async throws {
        try await TestCluster.with { cluster in
            try await cluster.changeNode(["metadata": ["labels": ["nvidia.com/gpu.count": "8"]]], fieldManager: "gfd")
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready))
            let count = "nvidia.com/gpu.count"
            #expect(try await cluster.client.node(TestCluster.nodeName).metadata.labels[count] == "8")
            try await cluster.changeNode(["metadata": ["labels": [count: .null]]], fieldManager: "gfd")
            let seen = try await cluster.client.node(TestCluster.nodeName)
            #expect(await publisher.observe(.modified(seen)) == .written)
            try await publisher.publish(publication(.ready))
            #expect(try await cluster.client.node(TestCluster.nodeName).metadata.labels[count] == "1")
        }
    }

    /// Feature discovery takes a label over that the agent set, and lets it go when it is uninstalled.
    @Test(arguments: ["merge", "apply"])
    func takesBackALabelThatWasTakenOverAndRemoved(way: String) async throws {
        try await TestCluster.with { cluster in
            let count = "nvidia.com/gpu.count"
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready))
            for value in ["8", nil] {
                if way == "merge" {
                    let label: JSON = value.map { .string($0) } ?? .null
                    try await cluster.changeNode(["metadata": ["labels": [count: label]]], fieldManager: "nfd-master")
                } else {
                    let labels: JSON = value.map { [count: .string($0)] } ?? [:]
                    try await cluster.applyNode(labels: labels, fieldManager: "nfd-master")
                }
                let seen = try await cluster.client.node(TestCluster.nodeName)
                #expect(seen.metadata.labels[count] == value)
                #expect(await publisher.observe(.modified(seen)) == .written)
                try await publisher.publish(publication(.ready))
                let after = try await cluster.client.node(TestCluster.nodeName).metadata.labels[count]
                #expect(after == value ?? "1")
            }
        }
    }
}

extension Fault.Action {
    /// The response of the API server when a `test` of a JSON patch fails.
    static let failedTest = status(422, message: "the server rejected our request due to an error in our request")
}
