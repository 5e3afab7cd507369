import Agent
import Cluster
import ClusterSupport
import Kubernetes
import NodeModel
import Reporting
import SimulatedCluster
import Support
import Testing

/// The publisher with an API server over TLS: the state of the Node, and the requests.
@Suite struct NodePublisherTests {
    private let prefix = "gpu-agent.dev"

    private func publisher(_ cluster: TestCluster) -> TestLink { TestLink(cluster) }

    private func publication(
        _ verdict: Verdict,
        _ labels: [String: String] = ["nvidia.com/gpu.count": "1"],
        undetermined: Set<String> = []
    ) -> Publication {
        Publication(
            labels: labels.merging(["\(prefix)/verdict": verdict.rawValue]) { $1 },
            undetermined: undetermined,
            taint: TaintWish(verdict),
            verdict: verdict,
            message: "\(verdict.rawValue): a test"
        )
    }

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

    @Test func aSecondAgentReadsMetadataOnceAndWritesNothing() async throws {
        try await TestCluster.with { cluster in
            try await cluster.changeNode(startupTaints)
            try await publisher(cluster).publish(publication(.installing))
            // The API server's times have seconds: a taint written in the same second as the label proves nothing.
            try await Task.sleep(for: .milliseconds(1100))
            try await publisher(cluster).publish(publication(.ready))
            cluster.server.log.clear()
            try await Task.sleep(for: .milliseconds(1100))
            let second = publisher(cluster)
            try await second.publish(publication(.ready))
            try await second.publish(publication(.ready))
            let requests = cluster.server.log.all
            #expect(requests.map(\.method) == ["GET"])
            #expect(requests.first?.accept?.contains("PartialObjectMetadata") == true)
        }
    }

    @Test func aReadyAgentMakesOneReadAndOneWriteOnANodeWithoutTheTaint() async throws {
        try await TestCluster.with { cluster in
            try await publisher(cluster).publish(publication(.ready))
            let kinds = cluster.server.log.all.map(\.method)
            // Metadata, the whole Node once (nothing tells of its taints yet), the labels, and the event.
            #expect(kinds == ["GET", "GET", "PATCH", "POST"])
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
            let seen = try await cluster.client.nodeMetadata(TestCluster.nodeName)
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
            let seen = try await cluster.client.nodeMetadata(TestCluster.nodeName)
            #expect(await publisher.observe(.modified(seen)) == .none)
        }
    }

    @Test func aTaintThatSomebodyPutsBackIsTakenOffAgain() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready))
            try await cluster.changeNode(startupTaints)
            let seen = try await cluster.client.nodeMetadata(TestCluster.nodeName)
            #expect(await publisher.observe(.modified(seen)) == .written)
            try await publisher.publish(publication(.ready))
            #expect(try await cluster.client.node(TestCluster.nodeName).taints.map(\.key) == ["sku"])
        }
    }

    @Test func readsAgainWhenTheTaintsChangedUnderIt() async throws {
        try await TestCluster.with { cluster in
            try await cluster.changeNode(startupTaints)
            cluster.server.faults.add(Fault(.failedTest, times: 2, method: "PATCH"))
            try await publisher(cluster).publish(publication(.ready))
            #expect(try await cluster.client.node(TestCluster.nodeName).taints.map(\.key) == ["sku"])
        }
    }

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
            #expect(await publisher.state.failure != nil)
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.metadata.labels["nvidia.com/gpu.count"] == "1")
            try await publisher.publish(publication(.ready, ["nvidia.com/gpu.count": "2"]))
            #expect(await publisher.state.failure == nil)
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

    @Test func theTaintAndTheVerdictChangeTogether() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready))
            cluster.server.faults.add(Fault(.status(403, message: "cut off"), times: 1, target: "force=true"))
            await #expect(throws: KubernetesError.self) { try await publisher.publish(publication(.notReady)) }
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.taints.map(\.key) == ["gpu-agent.dev/not-ready"])
            #expect(node.metadata.labels["gpu-agent.dev/verdict"] == "not-ready")
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
            #expect(try await cluster.client.nodeMetadata(TestCluster.nodeName).labels[count] == "8")
            try await cluster.changeNode(["metadata": ["labels": [count: .null]]], fieldManager: "gfd")
            let seen = try await cluster.client.nodeMetadata(TestCluster.nodeName)
            #expect(await publisher.observe(.modified(seen)) == .written)
            try await publisher.publish(publication(.ready))
            #expect(try await cluster.client.nodeMetadata(TestCluster.nodeName).labels[count] == "1")
        }
    }

    @Test func aNodeThatIsMadeAnewGetsItsEvent() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready))
            let gone = try await cluster.client.nodeMetadata(TestCluster.nodeName)
            await cluster.deleteNode()
            #expect(await publisher.observe(.deleted(gone)) == .owner)
            try await cluster.server.seed(node: TestCluster.node.with(uid: "uid-2"))
            try await publisher.publish(publication(.ready))
            let events = await cluster.server.store.list("events", namespace: "default")
            #expect(events.objects.compactMap { $0["reason"]?.string } == ["GPUReady", "GPUReady"])
        }
    }

    @Test func tellsOfANewVerdictOnce() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            for verdict in [Verdict.installing, .installing, .ready, .ready] {
                try await publisher.publish(publication(verdict))
            }
            let events = await cluster.server.store.list("events", namespace: "default")
            #expect(events.objects.compactMap { $0["reason"]?.string }.sorted() == ["GPUInstalling", "GPUReady"])
        }
    }
}

extension JSON {
    /// The same object with another uid.
    fileprivate func with(uid: String) -> JSON {
        var copy = self
        copy["metadata"]?["uid"] = .string(uid)
        return copy
    }
}

extension Fault.Action {
    /// The response of the API server when a `test` of a JSON patch fails.
    static let failedTest = status(422, message: "the server rejected our request due to an error in our request")
}
