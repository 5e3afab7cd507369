import ClusterSupport
import Glibc
import NodeModel
import TestSupport
import Testing

/// `status` with the results of a daemon, while NVML hangs, and after the daemon is gone.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct DaemonResultsTests {
    private func fault(_ fault: String, _ node: SimulatedNode) async throws {
        try await node.run(["sh", "-c", "echo 'fault \(fault)' >> /etc/gpu-sim/hardware"])
    }

    @Test func statusAnswersWhileNVMLHangs() async throws {
        try await TestCluster.with { cluster in
            try await SimulatedNode.with("h100") { node in
                try await node.agent("install").expectExit(0)
                #expect(try await node.status().inspectedByDaemonAt == nil)
                try await RunningAgent.with(node, cluster, options: ["--interval", "1h"]) { agent in
                    try await agent.awaitVerdict(.ready)
                    try await untilAsync("the results are there") { node.exists(HostLayout.results) }
                    let labels = try await node.agent("labels").output
                    // Nothing wakes the daemon now, so it does not notice.
                    try await fault("nvmlInit_v2 hang", node)
                    let status = try await node.status()
                    #expect(status.verdict == "ready" && status.inspectedByDaemonAt != nil)
                    #expect(status.gpus.first?.uuid != nil && status.lastInstall.isEmpty == false)
                    let text = try await node.agent("status").output
                    #expect(text.contains("Inspected by the daemon"), "\(text)")
                    #expect(labels.contains("nvidia.com/gpu.count=1\n"))
                    #expect(try await node.agent("labels").output == labels)
                    let fresh = try await node.status(["--fresh", "--timeout", "2s"])
                    #expect(fresh.verdict == "not-ready" && fresh.reason == "nvml-hang")
                    #expect(fresh.inspectedByDaemonAt == nil && fresh.lastResults == nil)
                    #expect(try await agent.get("/metrics")?.body.contains("gpu_agent_abandoned_processes 0\n") == true)
                }

                // Without a daemon, status does not wait for NVML, and shows what the daemon saw.
                let begin = ContinuousClock.now
                let status = try await node.status()
                // A busy machine takes its time; NVML alone has a minute otherwise.
                #expect(ContinuousClock.now - begin < .seconds(50))
                #expect(
                    status.verdict == "unknown" && status.reason == "nvml-hang" && status.inspectedByDaemonAt == nil
                )
                #expect(status.nextAction.hasPrefix("Run 'gpu-agent status --fresh'"))
                #expect(status.lastResults?.verdict == "ready" && status.gpus.first?.uuid != nil)
            }
        }
    }

    /// Without results of a daemon, NVML and CUDA together get the time of a person.
    @Test func statusDoesNotWaitForCUDA() async throws {
        try await SimulatedNode.with("h100") { node in
            try await node.agent("install").expectExit(0)
            try await fault("cuInit hang", node)
            let status = try await node.status()
            #expect(status.verdict == "unknown" && status.reason == "cuda-hang")
            #expect(status.nextAction.hasPrefix("Run 'gpu-agent status --fresh'"))
            #expect(status.gpus.first?.uuid != nil && status.lastResults == nil)
            let fresh = try await node.status(["--fresh", "--timeout", "2s"])
            #expect(fresh.verdict == "not-ready" && fresh.reason == "cuda-hang")
        }
    }

    /// Somebody changes the node between two inspections of the daemon.
    @Test func statusLooksItselfAfterAChange() async throws {
        try await TestCluster.with { cluster in
            try await SimulatedNode.with("h100") { node in
                try await node.agent("install").expectExit(0)
                let options = ["--interval", "1h", "--no-install"]
                try await RunningAgent.with(node, cluster, options: options) { agent in
                    try await agent.awaitVerdict(.ready)
                    try await untilAsync("the results are there") {
                        try await node.status().inspectedByDaemonAt != nil
                    }
                    try await node.run(["modprobe", "-r", "nvidia-uvm", "nvidia-modeset", "nvidia"])
                    let status = try await node.status()
                    #expect(status.verdict == "not-ready" && status.inspectedByDaemonAt == nil)
                    try await node.agent("install").expectExit(0)
                    // The journal has another install now, although the same driver is loaded.
                    let after = try await node.status()
                    #expect(after.verdict == "ready" && after.inspectedByDaemonAt == nil)
                    kill(agent.process, SIGSTOP)
                    defer { kill(agent.process, SIGCONT) }
                    #expect(try await node.status().verdict == "ready")
                }
            }
        }
    }
}
