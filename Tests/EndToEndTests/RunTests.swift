import ClusterSupport
import FoundationEssentials
import Glibc
import Kubernetes
import NodeModel
import SimulatedCluster
import Support
import TestSupport
import Testing

/// The daemon on a simulated node, with an API server.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct RunTests {
    private static let startupTaints: JSON = [
        "spec": [
            "taints": [
                ["key": "sku", "value": "gpu", "effect": "NoSchedule"],
                ["key": "gpu-agent.dev/not-ready", "effect": "NoSchedule"],
            ]
        ]
    ]

    @Test func bringsAFreshNodeToReadyAndASecondRunChangesNothing() async throws {
        try await TestCluster.with(admission: true) { cluster in
            try await cluster.changeNode(Self.startupTaints, fieldManager: "kubelet")
            try await SimulatedNode.with { node in
                try await RunningAgent.with(node, cluster) { agent in
                    try await agent.awaitVerdict(.ready)
                    try await expectReady(agent)
                    try await untilAsync("the published state is there") {
                        node.text("/run/gpu-agent/published.json")?.contains("\"tainted\":false") == true
                    }
                }
                // Times in managedFields have seconds: what happened within one cannot be told apart.
                try await Task.sleep(for: .seconds(2))
                cluster.server.log.clear()
                let journal = node.text(HostLayout.journal)
                let downloads = try node.requests().count
                try await RunningAgent.with(node, cluster) { agent in
                    try await untilAsync("the second agent is ready") {
                        try await agent.get("/readyz")?.status == "200"
                    }
                    try await untilAsync("the second agent watches") { agent.requests().contains("WATCH") }
                    // The first agent set its conditions to Unknown at its end.
                    try await untilAsync("the conditions are there") {
                        await cluster.conditions()["GPUReady"]?.status == "True"
                    }
                    #expect(agent.requests().sorted() == ["GET", "PATCH", "WATCH"])
                }
                #expect(node.text(HostLayout.journal) == journal)
                #expect(try node.requests().count == downloads)
            }
        }
    }

    private func expectReady(_ agent: RunningAgent) async throws {
        let shown = try await agent.shown()
        #expect(shown.taints.map(\.key) == ["sku"])
        #expect(shown.metadata.labels["gpu-agent.dev/driver-kind"] == "grid")
        #expect(shown.metadata.labels["gpu-agent.dev/mig-devices"] == "1")
        #expect(shown.metadata.labels["nvidia.com/mig.strategy"] == "single")
        #expect(
            shown.metadata.labels["nvidia.com/gpu.product"] == "NVIDIA-RTX-Pro-6000-Blackwell-DC-4-96Q-MIG-4g.96gb"
        )
        #expect(shown.metadata.labels["kubernetes.io/os"] == "linux")
        #expect(try await agent.get("/healthz")?.status == "200")
        try await untilAsync("the agent says that it is ready") { try await agent.get("/readyz")?.status == "200" }
        let metrics = try #require(try await agent.get("/metrics"))
        #expect(metrics.status == "200")
        #expect(metrics.body.contains("gpu_agent_verdict{verdict=\"ready\"} 1"))
        #expect(metrics.body.contains("gpu_agent_install_step_seconds{step=\"download\",state=\"done\"}"))
        let events = await agent.cluster.server.store.list("events", namespace: "default").objects
        #expect(events.compactMap { $0["reason"]?.string }.sorted() == ["GPUInstalling", "GPUReady"])
    }

    @Test func sigtermInTheMiddleOfAnInstallLosesNothing() async throws {
        try await TestCluster.with { cluster in
            try await SimulatedNode.with(set: ["installer-slow=2"]) { node in
                try await RunningAgent.with(node, cluster) { agent in
                    try await until("the installer runs") {
                        node.text(HostLayout.installerLog)?.contains("Building kernel modules") == true
                    }
                    #expect(try await agent.get("/readyz")?.status == "503")
                    #expect(try await agent.shown().taints.map(\.key) == ["gpu-agent.dev/not-ready"])
                }
                #expect(try node.journal().steps.last?.state == .started)
                try await RunningAgent.with(node, cluster) { agent in try await agent.awaitVerdict(.ready) }
                #expect(try node.requests().count == 1)
                #expect(try node.journal().record?.state == .installed)
            }
        }
    }

    @Test func waitsForTheAPIServerAndInstallsWhenItIsBack() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.drop, times: 10_000))
            try await SimulatedNode.with("h100") { node in
                try await RunningAgent.with(node, cluster, options: ["--interval", "1h"]) { agent in
                    try await untilAsync("the agent waits") {
                        try await agent.get("/readyz")?.body.hasPrefix("waiting") == true
                    }
                    try await untilAsync("status says so") { try await node.status().verdict == "waiting" }
                    #expect(try await node.status().reason == "ownership-unknown")
                    #expect(try await agent.get("/metrics")?.body.contains("{verdict=\"waiting\"} 1") == true)
                    #expect(try node.requests().isEmpty && !node.exists(HostLayout.journal))
                    cluster.server.faults.clear()
                    // No event wakes it and no interval ends: it asks again by itself.
                    try await agent.awaitVerdict(.ready)
                }
            }
        }
    }

    /// An agent that cannot read its Node must not install, because the GPU Operator may install a driver too.
    @Test(arguments: [Fault.Action.drop, .status(401, message: "no"), .status(403, message: "no")])
    func aRestartWithoutTheNodeHonorsTheOwnerThatWasKnown(_ fault: Fault.Action) async throws {
        try await TestCluster.with { cluster in
            let label: JSON = ["metadata": ["labels": [OwnerLabel.gpuOperatorDriver: "true"]]]
            try await cluster.changeNode(label, fieldManager: "gpu-operator")
            try await SimulatedNode.with("h100") { node in
                try await RunningAgent.with(node, cluster) { agent in try await agent.awaitVerdict(.leftAlone) }
                cluster.server.faults.add(Fault(fault, times: 10_000))
                try await RunningAgent.with(node, cluster) { agent in
                    try await untilAsync("the agent looked") { try await agent.get("/readyz")?.status == "200" }
                    #expect(try await node.status().verdict == "left-alone")
                    // Nor does it install when nobody knows any more who owned the driver.
                    try await node.run(["rm", "/run/gpu-agent/published.json", HostLayout.results, HostLayout.boot])
                }
                try await RunningAgent.with(node, cluster) { agent in
                    try await untilAsync("the agent waits") {
                        try await agent.get("/readyz")?.body.hasPrefix("waiting") == true
                    }
                }
                #expect(try node.requests().isEmpty && !node.exists(HostLayout.journal))
            }
        }
    }

    /// `RunningAgent` expects the end within five seconds of SIGTERM.
    @Test func sigtermEndsAnAgentWhoseServerNeverAnswers() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.hang(.seconds(120)), times: 10_000))
            try await SimulatedNode.with("no-gpu") { node in
                try await RunningAgent.with(node, cluster) { agent in
                    // Its port answers before the first request to the server does.
                    try await untilAsync("the agent runs") { try await agent.get("/healthz")?.status == "200" }
                    try await Task.sleep(for: .seconds(1))
                }
            }
        }
    }

    /// The agent tries to set its conditions to Unknown.
    @Test func sigtermEndsAnAgentWhoseServerAnswersNoMore() async throws {
        try await TestCluster.with { cluster in
            try await SimulatedNode.with("h100") { node in
                try await RunningAgent.with(node, cluster, options: ["--no-install"]) { agent in
                    try await agent.awaitVerdict(.notReady)
                    try await untilAsync("the conditions are there") { await !cluster.conditions().isEmpty }
                    cluster.server.faults.add(Fault(.hang(.seconds(120)), times: 10_000))
                }
                #expect(await cluster.conditions()["GPUReady"]?.status == "False")
            }
        }
    }

    /// The HTTP client shuts down only after its attempt to connect, which takes up to ten seconds.
    @Test func sigtermEndsAnAgentWhoseServerSpeaksNoTLS() async throws {
        let port = try LoopbackPort()
        defer { port.close() }
        try port.listen()
        let options = ["--api-server", "https://127.0.0.1:\(port.number)"]
        try await TestCluster.with { cluster in
            try await SimulatedNode.with("no-gpu") { node in
                try await RunningAgent.with(node, cluster, options: options) { agent in
                    try await untilAsync("the agent runs") { try await agent.get("/healthz")?.status == "200" }
                    try await Task.sleep(for: .seconds(1))
                }
            }
        }
    }

    @Test func installsWithoutAClusterOnlyWhenToldSo() async throws {
        try await SimulatedNode.with("h100") { node in
            let refused = try await node.agent("run", ["--listen", "127.0.0.1:0"])
            refused.expectExit(2)
            #expect(refused.errors.contains("cluster: none"))
            let config = node.directory.path("config.yaml")
            try node.directory.write("config.yaml", "apiVersion: gpu-agent/v1\nkind: AgentConfig\ncluster: none\n")
            try await node.agent("run", ["--listen", "127.0.0.1:0", "--config", config]) { process in
                defer { kill(process, SIGTERM) }
                try await untilAsync("the driver is installed", deadline: .seconds(90)) {
                    node.text(HostLayout.journal)?.contains("\"installed\"") == true
                }
            }.expectExit(0)
        }
    }

    @Test func putsTheTaintBackWhenTheDriverIsGone() async throws {
        try await TestCluster.with { cluster in
            try await SimulatedNode.with("h100") { node in
                try await node.agent("install").expectExit(0)
                let options = ["--interval", "1s", "--no-install"]
                try await RunningAgent.with(node, cluster, options: options) { agent in
                    try await agent.awaitVerdict(.ready)
                    #expect(try await agent.shown().taints.isEmpty)
                    try await node.run(["modprobe", "-r", "nvidia-uvm", "nvidia-modeset", "nvidia"])
                    try await agent.awaitVerdict(.notReady)
                    // The agent may have looked between two of the modules.
                    try await untilAsync("the label of the driver is gone") {
                        try await agent.shown().metadata.labels["gpu-agent.dev/driver-version"] == nil
                    }
                    let shown = try await agent.shown()
                    #expect(shown.taints.map(\.key) == ["gpu-agent.dev/not-ready"])
                    #expect(shown.metadata.labels["nvidia.com/gpu.present"] == "true")
                }
            }
        }
    }

    /// Each attempt takes the text consoles away, so the daemon waits for the reboot after three of them.
    @Test func stopsTakingTheGPUsFromNouveauUntilTheReboot() async throws {
        try await TestCluster.with { cluster in
            try await SimulatedNode.with("h100", set: ["nouveau=busy"]) { node in
                try await node.recordModprobe()
                @Sendable func calls() -> Int { node.modprobeCalls().count { $0 == "-r nouveau" } }
                @Sendable func attempts() -> Int? {
                    node.exists(HostLayout.journal) ? (try? node.journal())?.needsReboot?.attempts : nil
                }
                let options = ["--interval", "1s"]
                // A daemon makes a pause after each attempt, and a new daemon does not.
                for attempt in 1...3 {
                    try await RunningAgent.with(node, cluster, options: options) { agent in
                        try await untilAsync("attempt \(attempt)") { attempts() == attempt }
                        try await agent.awaitVerdict(.notReady)
                    }
                    #expect(calls() == attempt)
                }
                try await RunningAgent.with(node, cluster, options: options) { agent in
                    try await agent.awaitVerdict(.notReady)
                    try await agent.looksAgain(3)
                    #expect(calls() == 3 && attempts() == 3)
                    let findings = try await node.status().findings
                    #expect(findings.contains { $0.code == "reboot-required" && $0.state == "failed" }, "\(findings)")
                }

                try await node.run(["sh", "-c", "cat /proc/sys/kernel/random/uuid >/run/gpu-sim/boot_id"])
                try await RunningAgent.with(node, cluster, options: options) { agent in
                    try await untilAsync("the daemon tries again") { attempts() == 1 }
                    try await agent.awaitVerdict(.notReady)
                }
                #expect(calls() == 4)
                // An operator can ask for another attempt in the same boot.
                try await node.run(["sh", "-c", "echo 0 >/sys/module/nouveau/refcnt"])
                try await node.agent("install").expectExit(0)
                #expect(try node.journal().needsReboot == nil)
                let status = try await node.status()
                #expect(status.verdict == "ready", "\(status.findings)")
            }
        }
    }

    @Test func bringsBackALabelThatSomebodyRemoved() async throws {
        try await TestCluster.with { cluster in
            try await SimulatedNode.with("no-gpu") { node in
                try await RunningAgent.with(node, cluster, options: ["--interval", "1h"]) { agent in
                    try await agent.awaitVerdict(.noGPU)
                    try await untilAsync("the agent watches its Node") { agent.requests().contains("WATCH") }
                    try await cluster.changeNode(["metadata": ["labels": ["gpu-agent.dev/verdict": .null]]])
                    try await agent.awaitVerdict(.noGPU)
                }
            }
        }
    }

    @Test func seesWhoClaimsTheDriverAndTellsCommandsOnTheNode() async throws {
        let label = OwnerLabel.gpuOperatorDriver
        try await TestCluster.with { cluster in
            try await cluster.changeNode(["metadata": ["labels": [label: "true"]]], fieldManager: "gpu-operator")
            try await SimulatedNode.with("no-gpu") { node in
                @Sendable func labels() async throws -> Reading<[String: String]> {
                    try await node.agent("facts", ["-o", "json"]).decoded(as: NodeFacts.self).claims.nodeLabels
                }
                #expect(try await labels() == .skipped("no agent has published the state of this node"))
                try await RunningAgent.with(node, cluster, options: ["--interval", "1h"]) { agent in
                    try await untilAsync("the label is known") { try await labels() == .present([label: "true"]) }
                    try await untilAsync("the agent watches its Node") { agent.requests().contains("WATCH") }
                    // Nothing but the watch can wake it now.
                    try await cluster.changeNode(
                        ["metadata": ["labels": [label: "false"]]],
                        fieldManager: "gpu-operator"
                    )
                    try await untilAsync("the change is known") { try await labels() == .present([label: "false"]) }
                    #expect(agent.requests().count { $0 == "GET" } <= 2)
                }
            }
        }
    }
}
