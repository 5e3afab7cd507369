import Cluster
import ClusterSupport
import Kubernetes
import NodeModel
import Reporting
import SimulatedCluster
import Support
import Testing

/// An uninstall leaves nothing of the agent on its Node, with the rights that the agent has.
@Suite struct NodeWithdrawalTests {
    private let verdict = "gpu-agent.dev/verdict"
    private let mig = "gpu-agent.dev/mig-uuids"

    private func publication(_ verdict: Verdict) -> Publication {
        Publication(
            labels: [
                "gpu-agent.dev/verdict": verdict.rawValue, "nvidia.com/gpu.count": "1", "nvidia.com/gpu.family": "x",
            ],
            undetermined: [],
            annotations: [mig: .value(#"{"version":1}"#), "gpu-agent.dev/validated-at": .keep],
            taint: TaintWish(verdict),
            conditions: [gpuReady(verdict == .ready ? .yes : .no), gpuHealthy],
            verdict: verdict,
            message: "a test"
        )
    }

    private func withdraw(_ cluster: TestCluster) async throws -> NodeWithdrawal.Outcome {
        try await NodeWithdrawal(client: cluster.client, node: TestCluster.nodeName, prefix: "gpu-agent.dev").run()
    }

    private func expectNothingLeft(_ cluster: TestCluster, taints: [String]) async throws {
        let node = try await cluster.client.node(TestCluster.nodeName)
        #expect(!node.metadata.labels.keys.contains { $0.hasPrefix("gpu-agent.dev/") })
        #expect(node.taints.map(\.key) == taints)
        #expect(!node.metadata.managedFields.contains { $0.manager == "gpu-agent" })
        #expect(node.metadata.labels["kubernetes.io/os"] == "linux")
        #expect(!node.conditions.contains { $0.type.hasPrefix("GPU") })
    }

    @Test(arguments: [Verdict.ready, .notReady])
    func leavesNoLabelNoTaintAndNoFieldOwnership(_ verdict: Verdict) async throws {
        try await TestCluster.with { cluster in
            try await cluster.changeNode([
                "spec": ["taints": [["key": "sku", "effect": "NoSchedule"], ["key": "a", "effect": "NoSchedule"]]]
            ])
            try await cluster.changeConditions([["type": "Ready", "status": "True"]])
            let link = TestLink(cluster)
            try await link.publish(publication(.notReady))
            try await link.publish(publication(verdict))
            try await cluster.changeConditions([["type": "DiskPressure", "status": "False"]])
            try await cluster.changeNode(["metadata": ["annotations": ["gpu-agent.dev/team": "a"]]])
            let outcome = try await withdraw(cluster)
            #expect(outcome.labels == [self.verdict, "nvidia.com/gpu.count", "nvidia.com/gpu.family"])
            #expect(outcome.annotations == [mig])
            let metadata = try await cluster.client.node(TestCluster.nodeName).metadata
            #expect(metadata.annotations == ["gpu-agent.dev/team": "a"])
            #expect(outcome.hadTaint == (verdict == .notReady) && outcome.ownedFields)
            #expect(outcome.conditions == ["GPUHealthy", "GPUReady"])
            try await expectNothingLeft(cluster, taints: ["sku", "a"])
            #expect(await Set(cluster.conditions().keys) == ["Ready", "DiskPressure"])
            cluster.server.log.clear()
            #expect(try await withdraw(cluster).isEmpty)
            #expect(cluster.server.log.all.map(\.method) == ["GET"])
        }
    }

    /// An earlier version set the label by the patch of the taint too, and owned it twice.
    @Test func removesALabelThatAnEarlierVersionOwnsTwice() async throws {
        try await TestCluster.with { cluster in
            try await TestLink(cluster).publish(publication(.ready))
            let patch: [JSONPatchOperation] = [
                .add(["spec", "taints"], [["key": "gpu-agent.dev/not-ready", "effect": "NoSchedule"]]),
                .add(["metadata", "labels", verdict], "not-ready"),
            ]
            _ = try await cluster.client.patchNode(
                TestCluster.nodeName,
                operations: patch,
                fieldManager: NodeUpdate.fieldManager
            )
            let before = try await cluster.client.node(TestCluster.nodeName).metadata
            #expect(before.labelKeys(ownedBy: "gpu-agent", operation: .update) == [verdict])
            _ = try await withdraw(cluster)
            try await expectNothingLeft(cluster, taints: [])
        }
    }

    /// A label with the agent's prefix says something about the agent, whoever else wrote it.
    @Test func removesALabelOfItsPrefixThatAnotherManagerOwnsToo() async throws {
        try await TestCluster.with { cluster in
            try await TestLink(cluster).publish(publication(.ready))
            try await cluster.applyNode(labels: [verdict: "ready"], fieldManager: "kubectl")
            let outcome = try await withdraw(cluster)
            #expect(outcome.labels.contains(verdict))
            #expect(try await cluster.client.node(TestCluster.nodeName).metadata.labels[verdict] == nil)
        }
    }

    @Test func keepsALabelThatAnotherManagerOwnsToo() async throws {
        try await TestCluster.with { cluster in
            try await TestLink(cluster).publish(publication(.ready))
            try await cluster.applyNode(labels: ["nvidia.com/gpu.count": "1"], fieldManager: "nfd-master")
            let outcome = try await withdraw(cluster)
            #expect(!outcome.labels.contains("nvidia.com/gpu.count"))
            try await expectNothingLeft(cluster, taints: [])
            let metadata = try await cluster.client.node(TestCluster.nodeName).metadata
            #expect(metadata.labels["nvidia.com/gpu.count"] == "1")
            #expect(metadata.labelKeys(ownedBy: "nfd-master") == ["nvidia.com/gpu.count"])
        }
    }

    /// The configuration had other types when the agent published them.
    @Test func removesTheConditionsOfAnEarlierConfiguration() async throws {
        try await TestCluster.with { cluster in
            try await TestLink(cluster).publish(publication(.ready))
            let withdrawal = NodeWithdrawal(
                client: cluster.client,
                node: TestCluster.nodeName,
                prefix: "gpu-agent.dev",
                conditions: ConditionTypes(ready: "example.com/GPUReady")
            )
            #expect(try await withdrawal.run().conditions == ["GPUHealthy", "GPUReady"])
            try await expectNothingLeft(cluster, taints: [])
        }
    }

    /// The agent only observed this node, and another program writes a condition with the same type.
    @Test func keepsAConditionThatOnlyAnotherProgramWrites() async throws {
        try await TestCluster.with { cluster in
            try await cluster.changeConditions([["type": "GPUReady", "status": "True"]], fieldManager: "npd")
            #expect(try await withdraw(cluster).isEmpty)
            #expect(await cluster.conditions()["GPUReady"]?.status == "True")
            // The agent takes the condition, and then it is the agent's to remove.
            try await TestLink(cluster).publish(publication(.notReady))
            try await cluster.changeConditions([["type": "GPUReady", "status": "True"]], fieldManager: "npd")
            #expect(try await withdraw(cluster).conditions == ["GPUHealthy", "GPUReady"])
            #expect(await cluster.conditions().isEmpty)
        }
    }

    /// A token with the rights of an earlier version cannot write the status, and an earlier version wrote none.
    @Test func needsNoRightToTheStatusWithoutConditions() async throws {
        try await TestCluster.with { cluster in
            var earlier = publication(.ready)
            earlier.conditions = []
            try await TestLink(cluster).publish(earlier)
            cluster.server.faults.add(Fault(.status(403, message: "no"), times: 9, target: "/status"))
            #expect(try await withdraw(cluster).conditions.isEmpty)
            try await expectNothingLeft(cluster, taints: [])
        }
    }

    @Test func readsTheNodeAgainWhenAnotherClientChangesIt() async throws {
        try await TestCluster.with { cluster in
            try await TestLink(cluster).publish(publication(.notReady))
            cluster.server.faults.add(Fault(.failedTest, times: 3, method: "PATCH"))
            _ = try await withdraw(cluster)
            try await expectNothingLeft(cluster, taints: [])
        }
    }

    @Test func failsWhenTheServerRefuses() async throws {
        try await TestCluster.with { cluster in
            try await TestLink(cluster).publish(publication(.ready))
            cluster.server.faults.add(Fault(.status(403, message: "no"), times: 1, method: "PATCH"))
            await #expect(throws: KubernetesError.self) { _ = try await withdraw(cluster) }
        }
    }
}
