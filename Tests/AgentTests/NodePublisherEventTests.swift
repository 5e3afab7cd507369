import Cluster
import ClusterSupport
import Kubernetes
import NodeModel
import SimulatedCluster
import Testing

/// The events of the Node that report a new verdict.
@Suite struct NodePublisherEventTests {
    private func publisher(_ cluster: TestCluster) -> TestLink { TestLink(cluster) }

    private func eventReasons(_ cluster: TestCluster) async throws -> [String] {
        let events = await cluster.server.store.list("events", namespace: "default")
        return events.objects.compactMap { $0["reason"]?.string }.sorted()
    }

    @Test func aNodeThatIsMadeAnewGetsItsEvent() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready))
            let gone = try await cluster.client.node(TestCluster.nodeName)
            await cluster.deleteNode()
            #expect(await publisher.observe(.deleted(gone)) == .owner)
            try await cluster.server.seed(node: TestCluster.node.with(uid: "uid-2"))
            try await publisher.publish(publication(.ready))
            #expect(try await eventReasons(cluster) == ["GPUReady", "GPUReady"])
        }
    }

    /// The Node can come back from a backup, with its labels.
    @Test func aNodeThatComesBackWithItsLabelsGetsItsEvent() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready))
            let gone = try await cluster.client.node(TestCluster.nodeName)
            await cluster.deleteNode()
            #expect(await publisher.observe(.deleted(gone)) == .owner)
            var again = TestCluster.node.with(uid: "uid-2")
            again["metadata"]?["labels"]?["gpu-agent.dev/verdict"] = "ready"
            try await cluster.server.seed(node: again)
            try await publisher.publish(publication(.ready))
            #expect(try await eventReasons(cluster) == ["GPUReady", "GPUReady"])
        }
    }

    @Test func anAgentThatIsCutOffAfterTheTaintStillTellsOfTheVerdict() async throws {
        try await TestCluster.with { cluster in
            let publisher = publisher(cluster)
            try await publisher.publish(publication(.ready))
            cluster.server.faults.add(Fault(.status(403, message: "cut off"), times: 1, target: "force=true"))
            await #expect(throws: KubernetesError.self) { try await publisher.publish(publication(.notReady)) }
            try await publisher.publish(publication(.notReady))
            #expect(try await eventReasons(cluster) == ["GPUNotReady", "GPUReady"])
        }
    }

    @Test func anAgentThatStartsAgainDoesNotRepeatTheEvent() async throws {
        try await TestCluster.with { cluster in
            try await publisher(cluster).publish(publication(.ready))
            try await publisher(cluster).publish(publication(.ready, ["nvidia.com/gpu.count": "2"]))
            #expect(try await eventReasons(cluster) == ["GPUReady"])
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
