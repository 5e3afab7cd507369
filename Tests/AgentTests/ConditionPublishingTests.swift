import Cluster
import ClusterSupport
import Health
import Kubernetes
import NodeModel
import Reporting
import SimulatedCluster
import Support
import TestSupport
import Testing

@testable import Agent

/// The conditions of the Node, with an API server over TLS: what it shows, and the requests.
@Suite(.timeLimit(.minutes(2)))
struct ConditionPublishingTests {
    private func ready(_ status: Condition.Status, _ message: String = "a test") -> Publication {
        publication(status == .yes ? .ready : .notReady, conditions: [gpuReady(status, message), gpuHealthy])
    }

    private func statusWrites(_ cluster: TestCluster) -> Int {
        cluster.server.log.all.count {
            $0.user?.hasSuffix(":gpu-agent") == true && $0.method == "PATCH" && $0.target.contains("/status")
        }
    }

    private func refuseConditions(_ cluster: TestCluster, _ status: Int = 403) {
        cluster.server.faults.add(
            Fault(.status(status, message: "no"), times: .max, method: "PATCH", target: "/status")
        )
    }

    @Test func theNodeShowsTheConditionsBesideThoseOfOthers() async throws {
        try await TestCluster.with { cluster in
            try await cluster.changeConditions([["type": "Ready", "status": "True", "reason": "KubeletReady"]])
            let link = TestLink(cluster)
            try await link.publish(ready(.no))
            try await cluster.changeConditions([["type": "Ready", "status": "False", "reason": "KubeletNotReady"]])
            try await link.publish(ready(.yes))
            let shown = await cluster.conditions()
            #expect(shown.keys.sorted() == ["GPUHealthy", "GPUReady", "Ready"])
            #expect(shown["GPUReady"]?.status == "True" && shown["GPUReady"]?.reason == "CUDAWorks")
            #expect(shown["Ready"]?.reason == "KubeletNotReady")
            let state = await link.state
            #expect(state.conditions == [gpuReady(.yes), gpuHealthy] && state.conditionsFailure == nil)
            let metadata = try await cluster.client.node(TestCluster.nodeName).metadata
            #expect(metadata.conditionTypes(ownedBy: "gpu-agent", operation: .apply) == ["GPUReady", "GPUHealthy"])
            #expect(metadata.conditionTypes(ownedBy: "gpu-agent", operation: .update).isEmpty)
            #expect(metadata.labelKeys(ownedBy: "gpu-agent").contains("gpu-agent.dev/verdict"))
        }
    }

    @Test func writesOnlyChanges() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            try await link.publish(ready(.yes))
            let before = await cluster.conditions()
            cluster.server.log.clear()
            for _ in 0..<3 { try await link.publish(ready(.yes)) }
            #expect(cluster.server.log.all.isEmpty)
            // A message alone waits, and goes with the next status.
            try await link.publish(ready(.yes, "new"))
            #expect(statusWrites(cluster) == 0)
            try await link.publish(ready(.no, "new"))
            #expect(statusWrites(cluster) == 1)
            let after = await cluster.conditions()
            #expect(after["GPUReady"]?.message == "new")
            #expect(after["GPUHealthy"]?.lastTransitionTime == before["GPUHealthy"]?.lastTransitionTime)
        }
    }

    @Test func aSecondAgentOnANodeThatIsRightWritesNothing() async throws {
        try await TestCluster.with { cluster in
            try await TestLink(cluster).publish(ready(.yes))
            cluster.server.log.clear()
            try await TestLink(cluster).publish(ready(.yes))
            #expect(cluster.server.log.all.map(\.method) == ["GET"])
        }
    }

    @Test func aHeartbeatIsWrittenWithoutAChange() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster, schedule: ConditionSchedule(heartbeat: .milliseconds(1100)))
            let task = Task { await link.publisher.run { _ in } }
            await link.publisher.want(ready(.yes))
            try await eventually("the first write") { await cluster.conditions()["GPUReady"] != nil }
            let first = try #require(await cluster.conditions()["GPUReady"])
            try await eventually("a heartbeat") {
                await cluster.conditions()["GPUReady"]?.lastHeartbeatTime != first.lastHeartbeatTime
            }
            let second = await cluster.conditions()["GPUReady"]
            #expect(second?.lastTransitionTime == first.lastTransitionTime && second?.status == "True")
            task.cancel()
            await task.value
        }
    }

    @Test func aNodeWithoutAGPUHasNoConditions() async throws {
        try await TestCluster.with { cluster in
            try await cluster.changeConditions([["type": "Ready", "status": "True"]])
            let link = TestLink(cluster)
            try await link.publish(publication(.noGPU))
            #expect(statusWrites(cluster) == 0)
            try await link.publish(ready(.yes))
            try await link.publish(publication(.noGPU))
            #expect(await Set(cluster.conditions().keys) == ["Ready"])
            #expect(await link.state.conditions == [])
            cluster.server.log.clear()
            try await link.publish(publication(.noGPU))
            await link.publisher.end()
            #expect(cluster.server.log.all.isEmpty)
        }
    }

    /// The configuration names other types than before the restart.
    @Test func theTypesOfAnEarlierConfigurationGo() async throws {
        try await TestCluster.with { cluster in
            try await TestLink(cluster).publish(ready(.yes))
            var condition = gpuReady(.yes)
            condition.type = "example.com/GPUReady"
            try await TestLink(cluster).publish(publication(.ready, conditions: [condition]))
            #expect(await Set(cluster.conditions().keys) == ["example.com/GPUReady"])
        }
    }

    @Test func aNodeThatIsMadeAnewGetsItsConditions() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            try await link.publish(ready(.yes))
            let gone = try await cluster.client.node(TestCluster.nodeName)
            await cluster.deleteNode()
            _ = await link.observe(.deleted(gone))
            var node = TestCluster.node
            node["metadata"]?["uid"] = "uid-2"
            try await cluster.server.seed(node: node)
            try await link.publish(ready(.yes))
            #expect(await cluster.conditions()["GPUReady"]?.status == "True")
        }
    }

    @Test func aConditionThatAnotherClientChangesIsSetAgain() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            try await link.publish(ready(.yes))
            try await cluster.changeConditions([["type": "Ready", "status": "True"]])
            let heartbeat = try await cluster.client.node(TestCluster.nodeName)
            #expect(await link.observe(.modified(heartbeat)) == .none)
            try await cluster.changeConditions([["type": "GPUReady", "status": "False"]], fieldManager: "npd")
            let changed = try await cluster.client.node(TestCluster.nodeName)
            #expect(await link.observe(.modified(changed)) == .written)
            try await link.publish(ready(.yes))
            #expect(await cluster.conditions()["GPUReady"]?.status == "True")
        }
    }

    /// Without a watch, only the answer to the write of the conditions has the other change.
    @Test func aChangeThatComesWithTheAnswerIsNoticed() async throws {
        try await TestCluster.with { cluster in
            let label = "gpu-agent.dev/verdict"
            cluster.server.faults.add(Fault(.delay(.seconds(2)), method: "PATCH", target: "/status"))
            let link = TestLink(cluster)
            let task = Task { await link.publisher.run { _ in } }
            await link.publisher.want(ready(.yes))
            try await eventually("the labels are there") {
                try await cluster.client.node(TestCluster.nodeName).metadata.labels[label] == "ready"
            }
            try await cluster.changeNode(["metadata": ["labels": [label: "fine"]]])
            #expect(await cluster.conditions()["GPUReady"] == nil)
            try await eventually("the label is right again") {
                try await cluster.client.node(TestCluster.nodeName).metadata.labels[label] == "ready"
            }
            task.cancel()
            await task.value
        }
    }

    @Test func aConditionThatAnotherClientKeepsChangingIsAFinding() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            try await link.publish(ready(.yes))
            cluster.server.log.clear()
            for _ in 0..<8 {
                try await cluster.changeConditions([["type": "GPUReady", "status": "False"]], fieldManager: "npd")
                _ = await link.observe(.modified(try await cluster.client.node(TestCluster.nodeName)))
                try await link.publish(ready(.yes))
            }
            #expect(statusWrites(cluster) == FieldContests.rewritesPerMinute)
            let contest = ContestedField(field: "the condition GPUReady", managers: ["npd"])
            #expect(await link.state.contested == [contest])
            // Another verdict is still written.
            try await link.publish(ready(.no))
            #expect(await cluster.conditions()["GPUReady"]?.reason == "DriverMissing")
        }
    }

    /// The labels and the taint do not wait for the conditions.
    @Test(arguments: [403, 404, 500])
    func aRefusedConditionStopsNeitherLabelsNorTaint(_ status: Int) async throws {
        try await TestCluster.with { cluster in
            refuseConditions(cluster, status)
            let link = TestLink(cluster)
            for (condition, isTainted) in [(Condition.Status.no, true), (.yes, false), (.no, true)] {
                try await link.publish(ready(condition))
                let node = try await cluster.client.node(TestCluster.nodeName)
                #expect(node.taints.isEmpty != isTainted)
                #expect(node.metadata.labels["gpu-agent.dev/verdict"] == (isTainted ? "not-ready" : "ready"))
            }
            let state = await link.state
            #expect(state.failure == nil && state.at != nil && state.conditions == [])
            #expect(state.conditionsFailure != nil && state.areConditionsRefused == (status == 403))
        }
    }

    /// 'status' prints the conditions, and the agent saves them on the host.
    @Test func theTextOfAnotherClientIsBoundedAndHasNoControlCharacters() async throws {
        try await TestCluster.with { cluster in
            let text: JSON = .string("a\u{1b}[2J\n" + String(repeating: "x", count: 100_000))
            try await cluster.changeConditions(
                [["type": "GPUReady", "status": "False", "reason": text, "message": text]],
                fieldManager: "npd"
            )
            refuseConditions(cluster)
            let link = TestLink(cluster)
            try await link.publish(ready(.yes))
            let shown = try #require(await link.state.conditions?.first)
            #expect(shown.reason.utf8.count <= 128 && shown.message.utf8.count <= NodeConditions.messageLimit)
            #expect(shown.reason.hasPrefix("a\u{fffd}[2J x") && shown.message.hasPrefix("a\u{fffd}[2J x"))
        }
    }

    @Test func aMissingRightIsAFindingThatNamesIt() async throws {
        try await TestCluster.with { cluster in
            let text = """
                nodes "gpu-1" is forbidden: User "system:serviceaccount:gpu-agent:gpu-agent" cannot patch resource \
                "nodes/status" in API group "" at the cluster scope
                """
            cluster.server.faults.add(Fault(.status(403, message: text), times: 1, target: "/status"))
            let link = TestLink(cluster)
            try await link.publish(ready(.yes))
            let findings = Checks.findings(about: await link.state)
            #expect(findings.map(\.code) == [.publicationFailed] && findings.map(\.state) == [.warning])
            #expect(findings.first?.observed.contains(#"cannot patch resource "nodes/status""#) == true)
            #expect(findings.first?.remedy.text.contains("docs/deployment.md#rights") == true)
        }
    }

    @Test func aConditionIsWrittenWhenTheRightIsThere() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.status(500, message: "no"), times: 3, target: "/status"))
            let link = TestLink(cluster)
            let task = Task { await link.publisher.run { _ in } }
            await link.publisher.want(ready(.yes))
            // Nothing else wakes the publisher.
            try await eventually("the conditions are there") { await cluster.conditions()["GPUReady"] != nil }
            try await eventually("the failure is gone") { await link.state.conditionsFailure == nil }
            task.cancel()
            await task.value
        }
    }

    @Test func theConditionsAreUnknownWhenTheAgentStops() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            try await link.publish(ready(.yes))
            cluster.server.log.clear()
            await link.publisher.end()
            #expect(cluster.server.log.all.map(\.method) == ["PATCH"])
            let shown = await cluster.conditions()
            #expect(shown.values.map(\.status) == ["Unknown", "Unknown"])
            #expect(shown["GPUReady"]?.reason == "AgentStopped")
            #expect(await link.state.conditions?.map(\.status) == [.unknown, .unknown])
            #expect(
                try await cluster.client.node(TestCluster.nodeName).metadata.labels["gpu-agent.dev/verdict"] == "ready"
            )
            // The next agent knows better.
            cluster.server.log.clear()
            try await TestLink(cluster).publish(ready(.yes))
            #expect(cluster.server.log.all.map(\.method) == ["GET", "PATCH"])
            #expect(await cluster.conditions()["GPUReady"]?.status == "True")
        }
    }

    /// SIGTERM must end the agent soon, and this server takes a minute.
    @Test func aServerThatDoesNotAnswerDelaysTheEndByTwoSeconds() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            try await link.publish(ready(.yes))
            cluster.server.faults.add(Fault(.hang(.seconds(60)), times: .max))
            let start = ContinuousClock.now
            await link.publisher.end()
            #expect(ContinuousClock.now - start < .seconds(10))
        }
    }
}
