import Cluster
import ClusterSupport
import Kubernetes
import NodeModel
import Reporting
import SimulatedCluster
import Support
import TestSupport
import Testing

@testable import Agent

/// The agent against an API server that enforces the shipped admission policy.
@Suite struct AdmissionPolicyTests {
    /// Runs a test with a cluster that enforces the policy, and cancels it where the policy cannot be evaluated.
    private func withPolicy(_ body: (TestCluster) async throws -> Void) async throws {
        do { _ = try await TestCluster.admission } catch let error as PythonPackages.Missing {
            try Test.cancel("\(error)")
        }
        try await TestCluster.with(admission: true, body)
    }

    private func publication(_ verdict: Verdict) -> Publication {
        Publication(
            labels: ["gpu-agent.dev/verdict": verdict.rawValue, "nvidia.com/gpu.count": "1"],
            undetermined: [],
            annotations: [
                "gpu-agent.dev/mig-uuids": .value(#"{"version":1}"#),
                "gpu-agent.dev/validated-at": .firstProof(
                    ofBoot: "7c1d0b52",
                    verdict == .ready ? Timestamp(1_764_475_997) : nil
                ),
            ],
            taint: TaintWish(verdict),
            conditions: [gpuReady(verdict == .ready ? .yes : .no), gpuHealthy],
            verdict: verdict,
            message: "a test"
        )
    }

    @Test func theOrdinaryTrafficOfTheAgentPasses() async throws {
        try await withPolicy { cluster in
            let owner: JSON = ["apiVersion": "v1", "kind": "Machine", "name": "m", "uid": "1"]
            try await cluster.changeNode([
                "metadata": [
                    "annotations": ["a": "1"], "finalizers": ["example.com/stay"], "ownerReferences": [owner],
                ],
                "spec": ["taints": [["key": "sku", "effect": "NoSchedule"]], "unschedulable": true],
            ])
            try await cluster.changeConditions([["type": "Ready", "status": "True", "reason": "KubeletReady"]])
            let link = TestLink(cluster)
            for verdict in [Verdict.installing, .notReady, .ready, .notReady, .ready] {
                try await link.publish(publication(verdict))
            }
            let events = await cluster.server.store.list("events", namespace: "default").objects
            #expect(events.count == 5)
            // The daemon does this after each publication.
            await link.mirror.published()
            await link.publisher.end()
            #expect(
                await cluster.conditions().mapValues(\.status) == [
                    "Ready": "True", "GPUReady": "Unknown", "GPUHealthy": "Unknown",
                ]
            )
            try await link.publish(publication(.notReady))
            let withdrawal = NodeWithdrawal(
                client: cluster.client,
                node: TestCluster.nodeName,
                prefix: "gpu-agent.dev"
            )
            let outcome = try await withdrawal.run()
            #expect(outcome.hadTaint && outcome.labels.count == 2 && outcome.conditions.count == 2)
            #expect(outcome.annotations == ["gpu-agent.dev/mig-uuids", "gpu-agent.dev/validated-at"])
            #expect(await Set(cluster.conditions().keys) == ["Ready"])
            let refused = cluster.server.log.all.filter { $0.status >= 400 }
            #expect(refused.isEmpty, "\(refused)")
        }
    }

    struct Write: Sendable, CustomTestStringConvertible {
        var name: String
        var patch: JSON
        var target = TestCluster.nodeName
        var subresource = ""
        var message: String

        var testDescription: String { name }
    }

    @Test(arguments: [
        Write(
            name: "an owner is replaced",
            patch: ["metadata": ["ownerReferences": [["apiVersion": "v1", "kind": "X", "name": "gone", "uid": "2"]]]],
            message: "gpu-agent may not change finalizers or owners"
        ),
        Write(
            name: "another Node",
            patch: ["metadata": ["labels": ["gpu-agent.dev/x": "1"]]],
            target: "gpu-2",
            message: #"gpu-agent on node "gpu-1" may not change node "gpu-2""#
        ),
        Write(
            name: "a foreign label",
            patch: ["metadata": ["labels": ["kubernetes.io/os": "plan9"]]],
            message: "gpu-agent may change or remove only labels below gpu-agent.dev/ and nvidia.com/"
        ),
        Write(
            name: "an eviction",
            patch: ["spec": ["taints": [["key": "gpu-agent.dev/not-ready", "effect": "NoExecute"]]]],
            message: "the taint gpu-agent.dev/not-ready has the effect NoSchedule"
        ),
        Write(
            name: "the kubelet's condition",
            patch: ["status": ["conditions": [["type": "Ready", "status": "False"]]]],
            subresource: "/status",
            message: "gpu-agent may change only its own conditions"
        ),
        Write(
            name: "the capacity",
            patch: ["status": ["capacity": ["cpu": "400"]]],
            subresource: "/status",
            message: "gpu-agent may not change the status of a node but for its conditions"
        ),
        Write(
            name: "an annotation through the status",
            patch: ["metadata": ["annotations": ["a": "1"]]],
            subresource: "/status",
            message: "gpu-agent may change only the annotations gpu-agent.dev/mig-uuids and gpu-agent.dev/validated-at"
        ),
    ])
    func aWriteThatThePolicyForbidsIsDenied(_ write: Write) async throws {
        try await withPolicy { cluster in
            try await cluster.server.seed(node: ["metadata": ["name": "gpu-2"]])
            let owner: JSON = ["apiVersion": "v1", "kind": "Machine", "name": "m", "uid": "1"]
            try await cluster.changeNode(["metadata": ["ownerReferences": [owner]]])
            let key = ObjectKey(resource: "nodes", name: write.target)
            let before = await cluster.server.store.object(key)
            let answer = await cluster.server.respond(
                to: APIRequest(
                    method: "PATCH",
                    target: "/api/v1/nodes/\(write.target)\(write.subresource)",
                    contentType: "application/merge-patch+json",
                    authorization: "Bearer agent",
                    body: try write.patch.data()
                )
            )
            #expect(answer.status == 422)
            guard case .json(let status) = answer.body else { return #expect(Bool(false), "no Status") }
            let policy = "ValidatingAdmissionPolicy 'gpu-agent-own-node' with binding 'gpu-agent-own-node'"
            let message = "nodes \"\(write.target)\" is forbidden: \(policy) denied request: \(write.message)"
            #expect(status["message"]?.string == message)
            #expect(await cluster.server.store.object(key) == before)
        }
    }
}
