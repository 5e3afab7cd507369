import ClusterSupport
import FoundationEssentials
import Kubernetes
import Logging
import SimulatedCluster
import Support
import TestSupport
import Testing

@Suite struct KubernetesClientTests {
    @Test func readsTheMetadata() async throws {
        try await TestCluster.with { cluster in
            let metadata = try await cluster.client.node(TestCluster.nodeName).metadata
            #expect(metadata.name == "gpu-1")
            #expect(metadata.uid == "uid-1")
            #expect(metadata.labels == ["kubernetes.io/os": "linux"])
            #expect(metadata.managedFields.contains { $0.manager == "kubelet" && $0.time != nil })
            let request = try #require(cluster.server.log.all.last)
            #expect(request.user == (try TestCluster.agent().name))
            #expect(request.userAgent == "gpu-agent/test")
        }
    }

    @Test func readsTaintsAndCordon() async throws {
        try await TestCluster.with { cluster in
            let before = try await cluster.client.node(TestCluster.nodeName)
            #expect(before.taints.isEmpty && !before.unschedulable)
            try await cluster.changeNode([
                "spec": [
                    "unschedulable": true,
                    "taints": [["key": "example.com/a", "value": "b", "effect": "NoSchedule"]],
                ]
            ])
            let after = try await cluster.client.node(TestCluster.nodeName)
            #expect(after.taints == [Taint(key: "example.com/a", value: "b", effect: "NoSchedule")])
            #expect(after.unschedulable)
        }
    }

    @Test func appliesLabelsAndTakesThemBack() async throws {
        try await TestCluster.with { cluster in
            let name = TestCluster.nodeName
            let first = try await cluster.client.applyNode(
                name,
                body: cluster.applied(labels: ["example.com/a": "1", "example.com/b": "2"]),
                fieldManager: TestCluster.manager
            ).metadata
            #expect(first.labelKeys(ownedBy: TestCluster.manager) == ["example.com/a", "example.com/b"])
            let second = try await cluster.client.applyNode(
                name,
                body: cluster.applied(labels: ["example.com/a": "1"]),
                fieldManager: TestCluster.manager
            ).metadata
            #expect(second.labels == ["example.com/a": "1", "kubernetes.io/os": "linux"])
            #expect(second.labelKeys(ownedBy: TestCluster.manager) == ["example.com/a"])
            #expect(second.labelKeys(ownedBy: "kubelet") == ["kubernetes.io/os"])
        }
    }

    @Test func applyingTheSameTwiceChangesNothing() async throws {
        try await TestCluster.with { cluster in
            let body = cluster.applied(labels: ["example.com/a": "1"])
            let manager = TestCluster.manager
            let first = try await cluster.client.applyNode(TestCluster.nodeName, body: body, fieldManager: manager)
            let second = try await cluster.client.applyNode(TestCluster.nodeName, body: body, fieldManager: manager)
            #expect(first == second)
        }
    }

    @Test func namesTheOtherManagerOfAConflict() async throws {
        try await TestCluster.with { cluster in
            let manager = TestCluster.manager
            try await cluster.changeNode(["metadata": ["labels": ["example.com/a": "theirs"]]])
            let body = cluster.applied(labels: ["example.com/a": "ours"])
            let error = await failure { () throws(KubernetesError) in
                _ = try await cluster.client.applyNode(TestCluster.nodeName, body: body, fieldManager: manager)
            }
            guard case .conflict(let message, let fields) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(
                message == "Apply failed with 1 conflict: conflict with \"kubectl-edit\" using v1: "
                    + ".metadata.labels.example.com/a"
            )
            #expect(fields == [FieldConflict(field: ".metadata.labels.example.com/a", manager: "kubectl-edit")])

            let forced = try await cluster.client.applyNode(
                TestCluster.nodeName,
                body: body,
                fieldManager: manager,
                force: true
            ).metadata
            #expect(forced.labels["example.com/a"] == "ours")
            #expect(forced.labelKeys(ownedBy: "kubectl-edit").isEmpty)
        }
    }

    @Test func saysWhoOwnsTheTaintsAndSinceWhen() async throws {
        try await TestCluster.with { cluster in
            #expect(try await cluster.client.node(TestCluster.nodeName).metadata.taintOwners.isEmpty)
            let taints: JSON = [["key": "example.com/a", "effect": "NoSchedule"]]
            try await cluster.changeNode(["spec": ["taints": taints]], fieldManager: "kubectl-taint")
            let owners = try await cluster.client.node(TestCluster.nodeName).metadata.taintOwners
            #expect(owners.map(\.manager) == ["kubectl-taint"])
            #expect(owners.first?.operation == .update)
            let since = try #require(owners.first?.since)
            #expect(abs(since.timeIntervalSinceNow) < 60)
        }
    }

    @Test func patchesOnlyWhatItHasSeen() async throws {
        try await TestCluster.with { cluster in
            let taint = Taint(key: "example.com/a", effect: "NoExecute")
            let node = try await cluster.client.patchNode(
                TestCluster.nodeName,
                operations: [.add(["spec", "taints"], .array([taint.json]))],
                fieldManager: TestCluster.manager
            )
            #expect(node.taints == [taint])
            let error = await failure { () throws(KubernetesError) in
                _ = try await cluster.client.patchNode(
                    TestCluster.nodeName,
                    operations: [
                        .test(["spec", "taints"], []),
                        .remove(["spec", "taints"]),
                    ],
                    fieldManager: TestCluster.manager
                )
            }
            guard case .invalid(let message, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(message == "the server rejected our request due to an error in our request")
            #expect(try await cluster.client.node(TestCluster.nodeName).taints == [taint])
        }
    }

    @Test func reportsAnEventOnce() async throws {
        try await TestCluster.with { cluster in
            let event = NodeEvent(
                node: TestCluster.nodeName,
                nodeUID: "uid-1",
                reason: "DriverInstalled",
                message: "the driver 580.95.05 is ready",
                severity: .normal,
                component: "gpu-agent",
                time: Date(timeIntervalSince1970: 1_750_000_000)
            )
            try await cluster.client.createEvent(event)
            try await cluster.client.createEvent(event)
            let (events, _) = await cluster.server.store.list("events", namespace: "default")
            #expect(events.count == 1)
            #expect(events.first?[path: ["involvedObject", "uid"]] == "uid-1")
            #expect(events.first?["firstTimestamp"] == "2025-06-15T15:06:40Z")
            #expect(cluster.server.log.all.map(\.status) == [201, 409])
        }
    }

    @Test func aDeletedNodeIsNotMadeAnew() async throws {
        try await TestCluster.with { cluster in
            await cluster.deleteNode()
            let body = cluster.applied(labels: ["example.com/a": "1"])
            let error = await failure { () throws(KubernetesError) in
                _ = try await cluster.client.applyNode(TestCluster.nodeName, body: body, fieldManager: "gpu-agent")
            }
            guard case .conflict(let message, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(message.contains("uid mismatch"))
        }
    }
}
