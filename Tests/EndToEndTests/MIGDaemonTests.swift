import ClusterSupport
import FoundationEssentials
import Kubernetes
import NodeModel
import SimulatedCluster
import TestSupport
import Testing

/// The daemon on the simulated node: a layout that a reboot ended, and the label of the Node.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10))) struct MIGDaemonTests {
    /// After a reboot, the node is ready only when the daemon has made the layout again.
    @Test func theDaemonRestoresTheLayout() async throws {
        let taint: JSON = ["spec": ["taints": [["key": "gpu-agent.dev/not-ready", "effect": "NoSchedule"]]]]
        try await TestCluster.with(admission: true) { cluster in
            try await cluster.changeNode(taint, fieldManager: "kubelet")
            try await SimulatedNode.with("h100") { node in
                try await node.agent("install").expectExit(0)
                try node.setMIGHardware()
                #expect(try await node.mig("apply", "uniform").1 == 0)
                try await node.loseMIGLayout()
                let status = try await node.status()
                #expect(status.verdict == "not-ready" && status.reason == "mig-layout-lost")

                try await RunningAgent.with(node, cluster, options: ["--interval", "1s"]) { agent in
                    try await agent.awaitVerdict(.ready)
                    #expect(try await node.mig("assert", "uniform").1 == 0)
                    let labels = try await agent.shown().metadata.labels
                    #expect(labels["gpu-agent.dev/mig-devices"] == "7")
                    #expect(labels["nvidia.com/mig.config.state"] == nil)

                    // The unload ends the MIG devices. The daemon loads the driver, and makes them again.
                    try await node.run(["modprobe", "-r", "nvidia-uvm", "nvidia-modeset", "nvidia"])
                    #expect(node.text("/etc/gpu-sim/mig-layout") == nil)
                    try await untilAsync("the layout is there again") {
                        node.text("/etc/gpu-sim/mig-layout")?.contains("mig 0 ") == true
                    }
                    try await agent.awaitVerdict(.ready)
                    #expect(try await node.mig("assert", "uniform").1 == 0)
                }
            }
        }
    }

    /// An attempt that takes long does not keep the cluster from hearing that the node is not ready.
    @Test func theClusterHearsOfTheLossBeforeTheAttemptEnds() async throws {
        try await TestCluster.with(admission: true) { cluster in
            try await SimulatedNode.with("h100") { node in
                try await node.agent("install").expectExit(0)
                try node.setMIGHardware()
                #expect(try await node.mig("apply", "uniform").1 == 0)
                try await node.loseMIGLayout()
                // The change of the MIG mode ends after its deadline of two minutes.
                try node.setMIGHardware("", "fault nvmlDeviceSetMigMode hang\n")
                try await RunningAgent.with(node, cluster) { agent in
                    try await agent.awaitVerdict(.notReady, deadline: .seconds(60))
                    #expect(try await agent.shown().taints.contains { $0.key == "gpu-agent.dev/not-ready" })
                    let host = ["--host-pid", "\(node.pid)", "--lock-wait", "1s"]
                    let other = try await runProgram([Programs.agent, "mig", "restore"] + host)
                    #expect(other.errors.contains("host-locked"), "the attempt is not over: \(other)")
                }
            }
        }
    }

    /// On a new node, the taint stays until the layout of the label is made: a pod on the GPU would prevent it.
    @Test func theTaintWaitsForTheLayoutOfTheLabel() async throws {
        try await withLabel("uniform") { node, cluster, options in
            // The change of the MIG mode ends after its deadline of two minutes.
            try node.setMIGHardware("", "fault nvmlDeviceSetMigMode hang\n")
            try await RunningAgent.with(node, cluster, options: options) { agent in
                try await untilAsync("the layout is made") {
                    try await agent.shown().metadata.labels["nvidia.com/mig.config.state"] == "pending"
                }
                let shown = try await agent.shown()
                #expect(shown.metadata.labels["gpu-agent.dev/verdict"] == "not-ready")
                #expect(shown.taints.contains { $0.key == "gpu-agent.dev/not-ready" })
                // The daemon has the lock of the host, so `status` says that it changes something.
                let finding = try await node.status().findings.first { $0.code == "mig-layout-pending" }
                #expect(finding?.state == "failed")
            }
        }
    }

    /// A layout that cannot be made keeps no pod away, and the commands say why it is not there.
    @Test func aLayoutThatCannotBeMadeIsAWarning() async throws {
        try await withLabel("not-in-the-file") { node, cluster, options in
            try await RunningAgent.with(node, cluster, options: options) { agent in
                try await agent.awaitVerdict(.degraded)
                #expect(try await agent.shown().metadata.labels["nvidia.com/mig.config.state"] == "failed")
                try await untilAsync("the taint is gone") {
                    try await !agent.shown().taints.contains { $0.key == "gpu-agent.dev/not-ready" }
                }
                for status in [try await node.status(), try await node.status(["--fresh"])] {
                    let finding = status.findings.first { $0.code == "mig-layout-pending" }
                    #expect(finding?.state == "warning")
                    #expect(finding?.observed.contains("could not make the MIG layout not-in-the-file: ") == true)
                }
            }
        }
    }

    /// Gives a node GPUs with MIG and a file with layouts, and returns the options of a daemon that follows the label.
    private func followTheLabel(on node: SimulatedNode) throws -> [String] {
        try node.setMIGHardware()
        try node.directory.write("mig.yaml", MIGLayouts.config)
        let file = node.directory.path("mig.yaml")
        let config = "apiVersion: gpu-agent/v1\nkind: AgentConfig\nmig: {configFile: \(file)}\n"
        try node.directory.write("config.yaml", config)
        return ["--interval", "1s", "--config", node.directory.path("config.yaml")]
    }

    /// Runs `body` with a good node that no daemon has seen, whose label names this layout, and with the daemon's options.
    private func withLabel(
        _ layout: String,
        _ body: @escaping @Sendable (SimulatedNode, TestCluster, [String]) async throws -> Void
    ) async throws {
        let taint: JSON = ["spec": ["taints": [["key": "gpu-agent.dev/not-ready", "effect": "NoSchedule"]]]]
        try await TestCluster.with(admission: true) { cluster in
            try await cluster.changeNode(taint, fieldManager: "kubelet")
            try await cluster.changeNode(["metadata": ["labels": ["nvidia.com/mig.config": .string(layout)]]])
            try await SimulatedNode.with("h100") { node in
                try await node.agent("install").expectExit(0)
                let options = try followTheLabel(on: node)
                try await body(node, cluster, options)
            }
        }
    }

    /// The daemon makes the layout that the label names, as NVIDIA's MIG manager would.
    @Test func theDaemonFollowsTheLabel() async throws {
        try await TestCluster.with(admission: true) { cluster in
            try await SimulatedNode.with("h100") { node in
                try await node.agent("install").expectExit(0)
                let options = try followTheLabel(on: node)
                try await RunningAgent.with(node, cluster, options: options) { agent in
                    func ask(_ layout: JSON) async throws {
                        try await cluster.changeNode(["metadata": ["labels": ["nvidia.com/mig.config": layout]]])
                    }
                    func state(is state: String?) async throws {
                        try await untilAsync("the state is \(state ?? "gone")") {
                            try await agent.shown().metadata.labels["nvidia.com/mig.config.state"] == state
                        }
                    }
                    try await agent.awaitVerdict(.ready)
                    #expect(node.text("/etc/gpu-sim/mig-layout") == nil, "without the label, nothing changes")
                    try await ask("uniform")
                    try await state(is: "success")
                    #expect(try await node.mig("assert", "uniform").1 == 0)
                    #expect(try node.migRecord().map(\.layout) == ["uniform"])
                    for bad in ["too-much", "not-in-the-file"] {
                        try await ask(.string(bad))
                        try await state(is: "failed")
                        try await ask("uniform")
                        try await state(is: "success")
                    }
                    #expect(try await node.mig("assert", "uniform").1 == 0)
                    try await ask(.null)
                    try await state(is: nil)
                }
            }
        }
    }
}
