import ClusterSupport
import Kubernetes
import SimulatedCluster
import Testing

/// The cordon of a Node, and who made it.
@Suite struct CordonTests {
    private static let key = "gpu-agent.dev/cordoned"

    private func patch(_ cluster: TestCluster, _ operations: [JSONPatchOperation]) async throws -> Node {
        try await cluster.client.patchNode(TestCluster.nodeName, operations: operations, fieldManager: "gpu-agent")
    }

    @Test(arguments: [true, false])
    func isRememberedAndTakenBack(_ hasAnnotations: Bool) async throws {
        try await TestCluster.with { cluster in
            if hasAnnotations { try await cluster.changeNode(["metadata": ["annotations": ["other/a": "1"]]]) }
            let before = try await cluster.client.node(TestCluster.nodeName)
            let cordoned = try await patch(cluster, before.cordoning(annotation: Self.key, value: "driver"))
            #expect(cordoned.unschedulable && cordoned.metadata.annotations[Self.key] == "driver")
            #expect(cordoned.cordoning(annotation: Self.key, value: "driver").isEmpty)
            let after = try await patch(cluster, cordoned.uncordoning(annotation: Self.key))
            #expect(!after.unschedulable && after.metadata.annotations == before.metadata.annotations)
            #expect(after.uncordoning(annotation: Self.key).isEmpty)
        }
    }

    @Test func theCordonOfAnotherStays() async throws {
        try await TestCluster.with { cluster in
            try await cluster.changeNode(["spec": ["unschedulable": true]], fieldManager: "kubectl-cordon")
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.cordoning(annotation: Self.key, value: "driver").isEmpty)
            #expect(node.uncordoning(annotation: Self.key).isEmpty)
        }
    }

    @Test func aNodeThatSomebodyUncordonedLosesTheAnnotation() async throws {
        try await TestCluster.with { cluster in
            let before = try await cluster.client.node(TestCluster.nodeName)
            _ = try await patch(cluster, before.cordoning(annotation: Self.key, value: "driver"))
            try await cluster.changeNode(["spec": ["unschedulable": false]], fieldManager: "kubectl-uncordon")
            let opened = try await cluster.client.node(TestCluster.nodeName)
            let after = try await patch(cluster, opened.uncordoning(annotation: Self.key))
            #expect(!after.unschedulable && after.metadata.annotations.isEmpty)
        }
    }

    /// Somebody changes the Node between the read and the patch.
    @Test func aStalePatchChangesNothing() async throws {
        try await TestCluster.with { cluster in
            let read = try await cluster.client.node(TestCluster.nodeName)
            try await cluster.changeNode(["spec": ["unschedulable": true]], fieldManager: "kubectl-cordon")
            let error = await failure { () throws(KubernetesError) in
                _ = try await cluster.client.patchNode(
                    TestCluster.nodeName,
                    operations: read.cordoning(annotation: Self.key, value: "driver"),
                    fieldManager: "gpu-agent"
                )
            }
            #expect(error?.isFailedTest == true)
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.unschedulable && node.metadata.annotations.isEmpty)
        }
    }
}
