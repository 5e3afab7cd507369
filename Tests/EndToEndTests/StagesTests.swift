import ClusterSupport
import FoundationEssentials
import Glibc
import Kubernetes
import NodeModel
import SimulatedCluster
import Support
import TestSupport
import Testing

/// One node, stage by stage: what the agent and the Node say, and whether pods can be scheduled.
///
/// The log has a line for each stage.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct StagesTests {
    private static let startupTaint: JSON = [
        "spec": ["taints": [["key": "gpu-agent.dev/not-ready", "effect": "NoSchedule"]]]
    ]

    /// The GPU Operator manages the driver, the API server goes away and comes back, the operator leaves the node.
    @Test func theOwnerOfTheDriverLeaves() async throws {
        try await TestCluster.with(admission: true) { cluster in
            try await cluster.changeNode(Self.startupTaint, fieldManager: "kubelet")
            let label: JSON = ["metadata": ["labels": [OwnerLabel.gpuOperatorDriver: "true"]]]
            try await cluster.changeNode(label, fieldManager: "gpu-operator")
            let bare = ["nvidia.com/gpu.present": "true", "nvidia.com/gpu.product": nil]
            let hour = ["--interval", "1h"]
            try await SimulatedNode.with("h100") { node in
                try await RunningAgent.with(node, cluster, options: hour) { agent in
                    try await agent.reaches(.leftAlone, "the operator's label", labels: bare)
                }
                await cluster.server.stop()
                try await RunningAgent.with(node, cluster, options: hour) { agent in
                    try await agent.reaches(.leftAlone, "API server away, owner known", labels: bare)
                }
                // A reboot also clears what the agent knew about the owner.
                try await node.run(["rm", "-r", HostLayout.run])
                try await RunningAgent.with(node, cluster, options: hour) { agent in
                    try await agent.reaches(
                        .waiting,
                        "API server away after a reboot",
                        shown: .leftAlone,
                        labels: bare
                    )
                    #expect(try node.requests().isEmpty && !node.exists(HostLayout.journal))
                    cluster.server.log.clear()
                    try await cluster.startServerAgain()
                    try await agent.reaches(.leftAlone, "API server back", labels: bare)
                    #expect(try node.requests().isEmpty && !node.exists(HostLayout.journal))
                    #expect(agent.taintWrites() == 0)

                    let removal: JSON = ["metadata": ["labels": [OwnerLabel.gpuOperatorDriver: .null]]]
                    try await cluster.changeNode(removal, fieldManager: "gpu-operator")
                    try await agent.reaches(.ready, "the operator's label removed", labels: Self.h100("595.99.02"))
                    // One for the time of the install, and its removal.
                    #expect(agent.taintWrites() == 2)
                }
            }
        }
    }

    /// CUDA works, so pods may use the GPUs, even though the agent would choose another driver.
    @Test func aDriverThatTheAgentWouldNotChooseWorks() async throws {
        try await TestCluster.with(admission: true) { cluster in
            try await cluster.changeNode(Self.startupTaint, fieldManager: "kubelet")
            try await SimulatedNode.with("h100", set: ["driver=580.105.08 grid-azure open"]) { node in
                try await RunningAgent.with(node, cluster, options: ["--interval", "1s"]) { agent in
                    let labels = Self.h100("580.105.08")
                    try await agent.reaches(.degraded, "another owner's driver works", labels: labels)
                    #expect(try await node.status().reason == "foreign-driver")
                    try await agent.looksAgain(3)
                    try await agent.reaches(.degraded, "some looks later", labels: labels)
                    // The removal of the startup taint.
                    #expect(agent.taintWrites() == 1)
                    #expect(try node.requests().isEmpty && !node.exists(HostLayout.journal))
                }
            }
        }
    }

    @Test func thePinChangesWhileAProcessUsesTheGPUs() async throws {
        try await TestCluster.with(admission: true) { cluster in
            try await SimulatedNode.with("h100") { node in
                try await RunningAgent.with(node, cluster) { agent in
                    try await agent.reaches(.ready, "installed", labels: Self.h100("595.99.02"))
                }
                try await node.holdGPUs()
                let options = try node.options(for: "580.159.04")
                cluster.server.log.clear()
                try await RunningAgent.with(node, cluster, options: options + ["--interval", "1s"]) { agent in
                    let before = node.moduleLoads()
                    try await agent.reaches(.ready, "pin changed under load", labels: Self.h100("595.99.02"))
                    try await agent.looksAgain(3)
                    let status = try await node.agent("status", ["-o", "json"] + options)
                        .decoded(as: PrintedStatus.self)
                    let pending = status.findings.first { $0.code == "driver-change-pending" }
                    #expect(pending?.state == "notice" && status.verdict == "ready")
                    #expect(pending?.observed.contains("580.159.04") == true)
                    try await agent.reaches(.ready, "some looks later", labels: Self.h100("595.99.02"))
                    #expect(agent.taintWrites() == 0 && node.moduleLoads() == before)
                    #expect(try node.requests().count == 1)

                    try await node.releaseGPUs()
                    try await untilAsync("the driver is replaced", deadline: .seconds(90)) {
                        try await agent.nodeState().labels["gpu-agent.dev/driver-version"] == "580.159.04"
                    }
                    try await agent.reaches(.ready, "load ended", labels: Self.h100("580.159.04"))
                    // One for the time of the change, and its removal.
                    #expect(agent.taintWrites() == 2)
                }
            }
        }
    }

    /// A staged rollout onto a running cluster: each mode writes only what the documentation says.
    @Test func theModeRises() async throws {
        try await TestCluster.with(admission: true) { cluster in
            try await SimulatedNode.with("h100", set: ["installer-slow=1"]) { node in
                let before = try await cluster.client.node(TestCluster.nodeName)
                let bare = ["nvidia.com/gpu.present": "true", "nvidia.com/gpu.product": nil]
                try await RunningAgent.with(node, cluster, options: ["--mode", "observe"]) { agent in
                    try await agent.reaches(.notReady, "observe", shown: nil, labels: ["nvidia.com/gpu.present": nil])
                    try await untilAsync("the agent watches") { agent.requests().contains("WATCH") }
                    try await Task.sleep(for: .seconds(1))
                    #expect(Set(agent.requests()) == ["GET", "WATCH"])
                }
                #expect(try await cluster.client.node(TestCluster.nodeName) == before)
                #expect(await cluster.server.store.list("events", namespace: "default").objects.isEmpty)
                #expect(!node.exists(HostLayout.journal) && !node.exists(HostLayout.run))

                #expect(await cluster.conditions().isEmpty)

                try await RunningAgent.with(node, cluster, options: ["--mode", "label"]) { agent in
                    try await agent.reaches(.notReady, "label", labels: bare)
                    try await agent.reaches("False DriverMissing", healthy: "Unknown DriverMissing")
                    try await untilAsync("the event is there") {
                        await !cluster.server.store.list("events", namespace: "default").objects.isEmpty
                    }
                    #expect(agent.taintWrites() == 0)
                }
                #expect(try node.requests().isEmpty && !node.exists(HostLayout.journal))
                try await expectStopped(cluster) {
                    try await RunningAgent.with(node, cluster, options: ["--mode", "label"]) { agent in
                        try await agent.reaches("False DriverMissing", healthy: "Unknown DriverMissing")
                    }
                }

                try await RunningAgent.with(node, cluster) { agent in
                    try await agent.reaches(.installing, "manage", tainted: true, labels: bare)
                    try await agent.reaches("False Installing", healthy: "Unknown Installing")
                    try await agent.reaches(.ready, "manage, installed", labels: Self.h100("595.99.02"))
                    try await agent.reaches("True CUDAWorks", healthy: "True NoFault")
                    #expect(agent.taintWrites() == 2)
                    #expect(
                        try await node.agent("status").output.contains("conditions: GPUReady True, GPUHealthy True")
                    )
                }
                try await expectStopped(cluster) {
                    try await RunningAgent.with(node, cluster) { agent in
                        try await agent.reaches("True CUDAWorks", healthy: "True NoFault")
                    }
                }
                #expect(try node.journal().record?.state == .installed)
            }
        }
    }

    /// Expects the conditions of a Node whose agent has ended.
    ///
    /// The agent has two seconds for this last write, which can be too short on a busy machine. So the test lets
    /// another agent run and end, at most three times.
    private func expectStopped(_ cluster: TestCluster, runAgain: () async throws -> Void) async throws {
        let stopped = ["GPUReady": "Unknown", "GPUHealthy": "Unknown"]
        for _ in 1...3 where await cluster.conditions().mapValues(\.status) != stopped { try await runAgain() }
        #expect(await cluster.conditions().mapValues(\.status) == stopped)
    }

    /// Labels of the node of the scenario `h100` with a driver that works.
    private static func h100(_ version: String) -> [String: String?] {
        [
            "nvidia.com/gpu.present": "true", "nvidia.com/gpu.product": "NVIDIA-H100-NVL", "nvidia.com/gpu.count": "1",
            "gpu-agent.dev/driver-version": version,
        ]
    }
}

extension RunningAgent {
    /// The labels of the agent and of NVIDIA on the Node, and whether the Node has the agent's taint.
    func nodeState() async throws -> (labels: [String: String], tainted: Bool) {
        // From the memory of the server, which may not listen now.
        let stored = await cluster.server.store.object(ObjectKey(resource: "nodes", name: TestCluster.nodeName))
        let node = try #require(stored)
        let all = node[path: ["metadata", "labels"]]?.object ?? [:]
        let labels = all.compactMapValues(\.string).filter { key, _ in
            (key.hasPrefix("gpu-agent.dev/") || key.hasPrefix("nvidia.com/")) && key != OwnerLabel.gpuOperatorDriver
        }
        let taints = node[path: ["spec", "taints"]]?.array ?? []
        return (labels, taints.contains { $0["key"]?.string == "gpu-agent.dev/not-ready" })
    }

    /// The number of the agent's changes of the list of taints, for which it uses a JSON patch.
    func taintWrites() -> Int {
        cluster.server.log.all.count {
            $0.user?.hasSuffix(":gpu-agent") == true && $0.contentType == "application/json-patch+json"
        }
    }

    /// Waits until the agent has this verdict and the Node shows `shown`, with or without the taint, and prints it all.
    ///
    /// Then the Node must have each expected label, and none of those with the value nil.
    func reaches(
        _ verdict: Verdict,
        _ stage: String,
        shown: Verdict?,
        tainted: Bool = false,
        labels expected: [String: String?],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await untilAsync("\(stage): the agent says \(verdict.rawValue)", deadline: .seconds(90)) {
            try await get("/readyz")?.body.hasPrefix("\(verdict.rawValue): ") == true
        }
        // The taint is added before the label changes, and removed after it.
        try await untilAsync("\(stage): the Node shows it, taint \(tainted)") {
            let state = try await nodeState()
            return state.labels["gpu-agent.dev/verdict"] == shown?.rawValue && state.tainted == tainted
        }
        let labels = try await nodeState().labels
        print("stage: \(stage): \(verdict.rawValue), taint \(tainted ? "yes" : "no"), \(labels.count) labels")
        for (key, value) in expected {
            #expect(labels[key] == value, "\(stage): \(key)", sourceLocation: sourceLocation)
        }
    }

    /// Waits until the agent and the Node have this verdict.
    func reaches(
        _ verdict: Verdict,
        _ stage: String,
        tainted: Bool = false,
        labels: [String: String?],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await reaches(
            verdict,
            stage,
            shown: verdict,
            tainted: tainted,
            labels: labels,
            sourceLocation: sourceLocation
        )
    }

    /// Waits until the Node has these conditions, each with its status and its reason.
    func reaches(_ ready: String, healthy: String) async throws {
        let expected = ["GPUReady": ready, "GPUHealthy": healthy]
        try await untilAsync("the conditions are \(ready) and \(healthy)") {
            await cluster.conditions().mapValues { "\($0.status) \($0.reason)" } == expected
        }
    }

    /// Waits until the agent has looked at the node some more times.
    func looksAgain(_ times: Int) async throws {
        func lookedAt() async throws -> Substring? {
            let metrics = try await get("/metrics")?.body.split(separator: "\n")
            return metrics?.first { $0.hasPrefix("gpu_agent_last_look_timestamp_seconds") }
        }
        for _ in 0..<times {
            let last = try await lookedAt()
            try await untilAsync("the agent looks again") { try await lookedAt() != last }
        }
    }
}

extension TestCluster {
    /// Starts the stopped server on the port that the agent knows.
    func startServerAgain() async throws {
        let port = try #require(client.access.server.split(separator: ":").last.flatMap { Int($0) })
        #expect(try await server.start(port: port) == port)
    }
}
