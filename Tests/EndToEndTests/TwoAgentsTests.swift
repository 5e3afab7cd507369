import ClusterSupport
import FoundationEssentials
import NodeModel
import TestSupport
import Testing

/// Two agents on one host.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct TwoAgentsTests {
    @Test func onlyOneInstallsAndTheOthersWaitOrSayWhoDoes() async throws {
        let uninterrupted = try await Uninterrupted.shared()
        try await SimulatedNode.with(set: ["installer-slow=4"]) { node in
            let first = try await node.agent("install") { agent in
                try await until("the installer runs") {
                    node.text(HostLayout.installerLog)?.contains("Building kernel modules") == true
                }
                let impatient = try await node.agent("install", ["--lock-wait", "0s"])
                impatient.expectExit(1)
                #expect(impatient.errors.contains("host-locked"))
                #expect(impatient.errors.contains("\(agent) \(Programs.agent) install"))
                let patient = try await node.agent("install", ["--lock-wait", "90s"])
                patient.expectExit(0)
                #expect(patient.output.hasPrefix("ready: "))
                #expect(patient.errors.hasPrefix("waiting for another process that changes the host (\(agent) "))
                #expect(patient.errors.split(separator: "\n").count == 1)
            }
            first.expectExit(0)
            #expect(first.output.hasPrefix("ready: "))
            // Standard error is no terminal, so it has what the installer prints, below the line of the step.
            let printed = #/\] install the .*\n(?: {8}.*\n)* {8}Uncompressing NVIDIA /#
            #expect(first.errors.contains(printed), "\(first)")
            try await node.expectWholeInstall(like: uninterrupted)
            #expect(node.moduleLoads() == uninterrupted.moduleLoads)
            #expect(try node.requests().count == 1)
        }
    }

    /// An operator asks for what the daemon of the node does already.
    @Test func anInstallWaitsForTheDaemonAndSaysWhichPodItIs() async throws {
        let uninterrupted = try await Uninterrupted.shared()
        let pod = ["KUBERNETES_SERVICE_HOST": "127.0.0.1", "HOSTNAME": "gpu-agent-x7k2p"]
        try await TestCluster.with { cluster in
            try await SimulatedNode.with(set: ["installer-slow=4"]) { node in
                let started = Date().formatted(.iso8601)
                let daemon = try await RunningAgent.with(node, cluster, environment: pod) { agent in
                    try await until("the installer runs") {
                        node.text(HostLayout.installerLog)?.contains("Building kernel modules") == true
                    }
                    let install = try await node.agent("install", ["--lock-wait", "90s"])
                    install.expectExit(0)
                    #expect(install.output.hasPrefix("ready: "))
                    // The install had nothing to do when the daemon was done, so this is the only line.
                    let line = /waiting for another process that changes the host \((\d+) (.*) since ([^ ]*)\)\n/
                    let named = try #require(install.errors.wholeMatch(of: line), "\(install)")
                    #expect(named.1 == "\(agent.process)")
                    #expect(named.2.hasPrefix("\(Programs.agent) run ") && named.2.hasSuffix(" in pod gpu-agent-x7k2p"))
                    #expect((started...Date().formatted(.iso8601)).contains(String(named.3)))
                    try await agent.awaitVerdict(.ready)
                }
                // What a job prints is in the log of the daemon.
                let logged = #/ info output line="Uncompressing NVIDIA .*" step=install\n/#
                #expect(daemon.errors.contains(logged), "\(daemon)")
                #expect(try node.requests().count == 1)
                #expect(node.moduleLoads() == uninterrupted.moduleLoads)
                #expect(try node.journal().record?.state == .installed)
                #expect(try node.journal().steps.allSatisfy { $0.state == .done })
            }
        }
    }

    /// A daemon reads the GPUs for some seconds, and has no work to lose.
    @Test func aDaemonThatReadsTheGPUsDoesNotStopAnInstall() async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install").expectExit(0)
            let reader =
                "import os,time; open('/proc/self/comm','w').write('gpu-agent'); "
                + "os.open('/dev/nvidiactl', os.O_PATH); time.sleep(6)"
            try await node.run(["sh", "-c", "python3 -c \"$1\" >/dev/null 2>&1 & sleep 0.5", "sh", reader])
            let options = try node.options(for: "580.105.08")
            let plan = try await node.agent("plan", options)
            #expect(plan.output.contains("gpu-agent ("), "\(plan)")
            try await node.agent("install", options).expectExit(0)
            #expect(Set(try await node.status().driver.sources.map(\.version)) == ["580.105.08"])
        }
    }
}
