import ClusterSupport
import FoundationEssentials
import Kubernetes
import NodeModel
import SimulatedCluster
import TestSupport
import Testing

/// `gpu-agent mig` on the simulated node: a GPU in MIG mode, a reboot, and what is in the way.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10))) struct MIGCommandTests {
    private struct Printed: Decodable {
        struct GPU: Decodable {
            var current: String
            var outcome: String
            var why: String?
            var failure: String?
            var users: [User]?
        }

        struct User: Decodable { var pid: Int }

        var kind: String
        var state: String
        var problems: [String]
        var gpus: [GPU]
    }

    private struct Record: Decodable {
        struct GPU: Decodable {
            var uuid: String
            var layout: String
            var state: String
        }

        var gpus: [GPU]
    }

    static let config = """
        version: v1
        mig-configs:
          off:
            - devices: all
              mig-enabled: false
          balanced:
            - device-filter: "0x232110DE"
              devices: all
              mig-enabled: true
              mig-devices: {"1g.12gb": 2, "2g.24gb": 1, "3g.47gb": 1}
          uniform:
            - devices: all
              mig-enabled: true
              mig-devices: {"1g.12gb": 7}
          shared:
            - devices: [0]
              mig-enabled: true
              mig-devices: {"1c.3g.47gb": 3, "3g.47gb": 1}
          too-much:
            - devices: [0]
              mig-enabled: true
              mig-devices: {"3g.47gb": 2, "1g.12gb": 1}
          first:
            - devices: [0]
              mig-enabled: true
              mig-devices: {"1g.12gb": 7}
          second:
            - devices: [1]
              mig-enabled: true
              mig-devices: {"3g.47gb": 2}

        """

    /// The profiles of the GPU with this number.
    private static func profiles(_ gpu: Int) -> String { profiles.replacing("profile 0", with: "profile \(gpu)") }

    private static let profiles = """
        profile 0 number=0 id=19 name=1g.12gb slices=1 instances=7 sm=16 memoryMiB=11008 decoders=1 places=0,1,2,3,4,5,6:1
        profile 0 number=1 id=14 name=2g.24gb slices=2 instances=3 sm=32 memoryMiB=22144 decoders=2 places=0,2,4:2
        profile 0 number=2 id=9 name=3g.47gb slices=3 instances=2 sm=60 memoryMiB=46848 decoders=3 places=0,4:4
        profile 0 number=3 id=5 name=4g.47gb slices=4 instances=1 sm=64 memoryMiB=46848 decoders=4 places=0:4
        profile 0 number=4 id=0 name=7g.94gb slices=7 instances=1 sm=132 memoryMiB=95000 decoders=7 ofa=1 places=0:8

        """

    /// Replaces the hardware file: the GPUs with other words, their profiles, and more lines.
    private func hardware(_ node: SimulatedNode, _ words: String = "", _ more: String = "") throws {
        let lines = try #require(node.text("/etc/gpu-sim/hardware")).split(separator: "\n")
        let gpus = lines.filter { $0.hasPrefix("gpu ") }
        var text = ""
        for (number, gpu) in gpus.enumerated() {
            let end = try #require(gpu.firstRange(of: "mig=off")).upperBound
            text += "\(gpu[..<end]) \(words)\n\(Self.profiles(number))"
        }
        text += more
        try text.write(toFile: node.path("/etc/gpu-sim/hardware"), atomically: false, encoding: .utf8)
    }

    private func mig(_ node: SimulatedNode, _ command: String, _ layout: String? = nil) async throws -> (Printed, Int) {
        try node.directory.write("mig.yaml", Self.config)
        let options = layout.map { ["--config", node.directory.path("mig.yaml"), "--selected", $0] } ?? []
        let host = ["--host-pid", "\(node.pid)", "-o", "json"]
        let run = try await runProgram([Programs.agent, "mig", command] + options + host)
        return (try run.decoded(), run.exitCode ?? -1)
    }

    private func record(_ node: SimulatedNode) throws -> [Record.GPU] {
        let text = try #require(node.text("/var/lib/gpu-agent/mig-layout.json"))
        return try JSONDecoder().decode(Record.self, from: Data(text.utf8)).gpus
    }

    /// Makes the record one of an earlier boot, and removes the MIG devices, as a reboot does.
    private func reboot(_ node: SimulatedNode) async throws {
        try await node.run(["rm", "/etc/gpu-sim/mig-layout"])
        let path = "/var/lib/gpu-agent/mig-layout.json"
        let record = try #require(node.text(path)).replacing(/"bootID":"[^"]*"/, with: #""bootID":"earlier""#)
        #expect(record.contains("earlier"))
        try record.write(toFile: node.path(path), atomically: false, encoding: .utf8)
    }

    @Test func aLayoutIsMadeCheckedAndRestored() async throws {
        try await SimulatedNode.with("h100") { node in
            try await node.agent("install").expectExit(0)
            try hardware(node)
            var (printed, code) = try await mig(node, "restore")
            #expect(printed.kind == "MIGResult" && printed.state == "not-recorded" && code == 0)
            (printed, code) = try await mig(node, "plan", "balanced")
            #expect(printed.kind == "MIGPlan" && printed.state == "possible" && code == 0)
            (printed, code) = try await mig(node, "assert", "balanced")
            #expect(printed.gpus.map(\.current) == ["MIG mode off"] && code == 1)
            #expect(node.text("/etc/gpu-sim/mig-layout") == nil, "plan and assert change nothing")

            (printed, code) = try await mig(node, "apply", "balanced")
            #expect(printed.state == "success" && code == 0, "\(printed)")
            #expect(printed.gpus.map(\.current) == ["2 × 1g.12gb, 2g.24gb, 3g.47gb"])
            #expect(try await mig(node, "assert", "balanced").1 == 0)
            #expect(try record(node).map(\.state) == ["success"])
            // CUDA sees the devices.
            #expect(try await node.status().verdict != "unknown")

            // A reboot removes all instances.
            try await node.run(["rm", "/etc/gpu-sim/mig-layout"])
            #expect(try await mig(node, "assert", "balanced").1 == 1)
            try hardware(node, "", "fault nvmlGpuInstanceCreateComputeInstance code=23\n")
            (printed, code) = try await mig(node, "restore")
            #expect(printed.state == "failed" && code == 1)
            #expect(try record(node).map(\.state) == ["success"], "the record stays for the next attempt")
            try hardware(node)
            (printed, code) = try await mig(node, "restore")
            #expect(printed.state == "success" && code == 0, "\(printed)")
            #expect(try await mig(node, "assert", "balanced").1 == 0)

            (printed, code) = try await mig(node, "apply", "shared")
            #expect(printed.gpus.map(\.current) == ["3 × 1c.3g.47gb, 3g.47gb"] && code == 0, "\(printed)")
            (printed, code) = try await mig(node, "apply", "too-much")
            #expect(printed.gpus.first?.outcome == "impossible" && code == 1)
            #expect(try record(node).map(\.layout) == ["shared"], "a layout that is not possible replaces no record")
            (printed, code) = try await mig(node, "apply", "off")
            #expect(printed.gpus.map(\.current) == ["MIG mode off"] && code == 0, "\(printed)")
        }
    }

    @Test func whatIsInTheWayIsNamedAndNothingChanges() async throws {
        try await SimulatedNode.with("h100") { node in
            try await node.agent("install").expectExit(0)
            try hardware(node, "", "process 0 pid=4711\n")
            var (printed, code) = try await mig(node, "apply", "balanced")
            #expect(printed.gpus.first?.outcome == "in-use" && printed.gpus.first?.users?.map(\.pid) == [4711])
            #expect(printed.state == "failed" && code == 1)

            try hardware(node, "virtualization=vgpu")
            (printed, code) = try await mig(node, "apply", "balanced")
            #expect(printed.gpus.first?.outcome == "refused" && code == 1)
            #expect(printed.gpus.first?.why?.contains("Only the vGPU host can change") == true)
            #expect(
                node.text("/etc/gpu-sim/mig-layout") == nil && node.text("/var/lib/gpu-agent/mig-layout.json") == nil
            )

            try hardware(node, "trait.migNeedsReset=on")
            (printed, code) = try await mig(node, "apply", "balanced")
            #expect(["reboot-required", "reset-required"].contains(printed.state) && code == 3, "\(printed)")
            #expect(try record(node).map(\.state) == ["reset-required"])
            // The reboot: the pending mode is active.
            let layout = node.path("/etc/gpu-sim/mig-layout")
            try "mode 0 1 1\n".write(toFile: layout, atomically: false, encoding: .utf8)
            (printed, code) = try await mig(node, "restore")
            #expect(printed.state == "success" && code == 0, "\(printed)")
        }
    }

    /// The driver refuses a compute instance: the GPU instance is there, and the layout is not.
    @Test func aStepThatFailsIsReported() async throws {
        try await SimulatedNode.with("h100") { node in
            try await node.agent("install").expectExit(0)
            try hardware(node, "", "fault nvmlGpuInstanceCreateComputeInstance code=23\n")
            let (printed, code) = try await mig(node, "apply", "balanced")
            #expect(printed.state == "failed" && code == 1)
            #expect(printed.gpus.first?.failure?.contains("23 NVML_ERROR_INSUFFICIENT_RESOURCES") == true)
            #expect(try record(node).map(\.state) == ["failed"])
        }
    }

    /// After a reboot, the node is ready only when the daemon has made the layout again.
    @Test func theDaemonRestoresTheLayout() async throws {
        let taint: JSON = ["spec": ["taints": [["key": "gpu-agent.dev/not-ready", "effect": "NoSchedule"]]]]
        try await TestCluster.with(admission: true) { cluster in
            try await cluster.changeNode(taint, fieldManager: "kubelet")
            try await SimulatedNode.with("h100") { node in
                try await node.agent("install").expectExit(0)
                try hardware(node)
                #expect(try await mig(node, "apply", "uniform").1 == 0)
                try await reboot(node)
                let status = try await node.status()
                #expect(status.verdict == "not-ready" && status.reason == "mig-layout-lost")

                try await RunningAgent.with(node, cluster, options: ["--interval", "1s"]) { agent in
                    try await agent.awaitVerdict(.ready)
                    #expect(try await mig(node, "assert", "uniform").1 == 0)
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
                    #expect(try await mig(node, "assert", "uniform").1 == 0)
                }
            }
        }
    }

    /// The driver was loaded again without a daemon, and one of two GPUs was replaced.
    @Test func eachGPUHasARecordOfItsOwn() async throws {
        try await SimulatedNode.with("two-h100") { node in
            try await node.agent("install").expectExit(0)
            try hardware(node)
            #expect(try await mig(node, "apply", "first").1 == 0)
            #expect(try await mig(node, "apply", "second").1 == 0)
            #expect(try record(node).map(\.layout) == ["first", "second"])
            #expect(try await mig(node, "assert", "first").1 == 0)

            try await node.run(["modprobe", "-r", "nvidia-uvm", "nvidia-modeset", "nvidia"])
            for module in ["nvidia", "nvidia-modeset", "nvidia-uvm"] { try await node.run(["modprobe", module]) }
            var status = try await node.status()
            #expect(status.verdict == "not-ready" && status.reason == "mig-layout-lost")

            let old = "GPU-8b3f5d12-77ae-4c09-9d54-61c2a0f7e3b5"
            let new = "GPU-00000000-77ae-4c09-9d54-61c2a0f7e3b5"
            let file = try #require(node.text("/etc/gpu-sim/hardware")).replacing(old, with: new)
            try file.write(toFile: node.path("/etc/gpu-sim/hardware"), atomically: false, encoding: .utf8)
            var (printed, code) = try await mig(node, "restore")
            #expect(printed.state == "failed" && code == 1)
            #expect(printed.problems.count == 1 && printed.problems[0].contains("In its place is the GPU \(new)"))
            #expect(printed.gpus.map(\.current) == ["7 × 1g.12gb"], "the other GPU has its layout")
            #expect(try await mig(node, "assert", "second").0.gpus.map(\.current) == ["MIG mode off"])
            status = try await node.status(["--fresh"])
            #expect(status.findings.first { $0.code == "mig-gpu-replaced" }?.state == "warning")

            (printed, code) = try await mig(node, "apply", "second")
            #expect(printed.state == "success" && code == 0, "\(printed)")
            #expect(try record(node).map(\.uuid).contains(new) && record(node).count == 2)
        }
    }

    /// An attempt that takes long does not keep the cluster from hearing that the node is not ready.
    @Test func theClusterHearsOfTheLossBeforeTheAttemptEnds() async throws {
        try await TestCluster.with(admission: true) { cluster in
            try await SimulatedNode.with("h100") { node in
                try await node.agent("install").expectExit(0)
                try hardware(node)
                #expect(try await mig(node, "apply", "uniform").1 == 0)
                try await reboot(node)
                // The change of the MIG mode ends after its deadline of two minutes.
                try hardware(node, "", "fault nvmlDeviceSetMigMode hang\n")
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

    /// The daemon makes the layout that the label names, as NVIDIA's MIG manager would.
    @Test func theDaemonFollowsTheLabel() async throws {
        try await TestCluster.with(admission: true) { cluster in
            try await SimulatedNode.with("h100") { node in
                try await node.agent("install").expectExit(0)
                try hardware(node)
                try node.directory.write("mig.yaml", Self.config)
                let file = node.directory.path("mig.yaml")
                let config = "apiVersion: gpu-agent/v1\nkind: AgentConfig\nmig: {configFile: \(file)}\n"
                try node.directory.write("config.yaml", config)
                let options = ["--interval", "1s", "--config", node.directory.path("config.yaml")]
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
                    #expect(try await mig(node, "assert", "uniform").1 == 0)
                    #expect(try record(node).map(\.layout) == ["uniform"])
                    for bad in ["too-much", "not-in-the-file"] {
                        try await ask(.string(bad))
                        try await state(is: "failed")
                        try await ask("uniform")
                        try await state(is: "success")
                    }
                    #expect(try await mig(node, "assert", "uniform").1 == 0)
                    try await ask(.null)
                    try await state(is: nil)
                }
            }
        }
    }

    @Test func wrongUsage() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("bad.yaml", "version: v1\nmig-configs: {a: [{devices: all}]}\n")
        try directory.write("mig.yaml", Self.config)
        let plan = [Programs.agent, "mig", "plan", "--config"]
        let bad = try await runProgram(plan + [directory.path("bad.yaml")])
        bad.expectExit(2)
        #expect(bad.errors.contains("bad.yaml:2:19: mig-configs.a[0] needs 'mig-enabled'"))
        let unnamed = try await runProgram(plan + [directory.path("mig.yaml")])
        unnamed.expectExit(2)
        #expect(
            unnamed.errors.contains(
                "the file has 7 layouts: name one with --selected: off, balanced, uniform, shared, too-much, "
                    + "first, second"
            )
        )
        try await runProgram(plan + [directory.path("none.yaml")]).expectExit(2)
    }
}
