import ClusterSupport
import FoundationEssentials
import Kubernetes
import NodeModel
import SimulatedCluster
import TestSupport
import Testing

/// `gpu-agent mig` on the simulated node: a GPU in MIG mode, a reboot, and what is in the way.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10))) struct MIGCommandTests {
    @Test func aLayoutIsMadeCheckedAndRestored() async throws {
        try await SimulatedNode.with("h100") { node in
            try await node.agent("install").expectExit(0)
            try node.setMIGHardware()
            var (printed, code) = try await node.mig("restore")
            #expect(printed.kind == "MIGResult" && printed.state == "not-recorded" && code == 0)
            (printed, code) = try await node.mig("plan", "balanced")
            #expect(printed.kind == "MIGPlan" && printed.state == "possible" && code == 0)
            (printed, code) = try await node.mig("assert", "balanced")
            #expect(printed.gpus.map(\.current) == ["MIG mode off"] && code == 1)
            #expect(node.text("/etc/gpu-sim/mig-layout") == nil, "plan and assert change nothing")

            (printed, code) = try await node.mig("apply", "balanced")
            #expect(printed.state == "success" && code == 0, "\(printed)")
            #expect(printed.gpus.map(\.current) == ["2 × 1g.12gb, 2g.24gb, 3g.47gb"])
            #expect(try await node.mig("assert", "balanced").1 == 0)
            #expect(try node.migRecord().map(\.state) == ["success"])
            // CUDA sees the devices.
            #expect(try await node.status().verdict != "unknown")

            // A reboot removes all instances.
            try await node.run(["rm", "/etc/gpu-sim/mig-layout"])
            #expect(try await node.mig("assert", "balanced").1 == 1)
            try node.setMIGHardware("", "fault nvmlGpuInstanceCreateComputeInstance code=23\n")
            (printed, code) = try await node.mig("restore")
            #expect(printed.state == "failed" && code == 1)
            #expect(try node.migRecord().map(\.state) == ["success"], "the record stays for the next attempt")
            try node.setMIGHardware()
            (printed, code) = try await node.mig("restore")
            #expect(printed.state == "success" && code == 0, "\(printed)")
            #expect(try await node.mig("assert", "balanced").1 == 0)

            (printed, code) = try await node.mig("apply", "shared")
            #expect(printed.gpus.map(\.current) == ["3 × 1c.3g.47gb, 3g.47gb"] && code == 0, "\(printed)")
            (printed, code) = try await node.mig("apply", "too-much")
            #expect(printed.gpus.first?.outcome == "impossible" && code == 1)
            #expect(
                try node.migRecord().map(\.layout) == ["shared"],
                "a layout that is not possible replaces no record"
            )
            (printed, code) = try await node.mig("apply", "off")
            #expect(printed.gpus.map(\.current) == ["MIG mode off"] && code == 0, "\(printed)")
        }
    }

    @Test func whatIsInTheWayIsNamedAndNothingChanges() async throws {
        try await SimulatedNode.with("h100") { node in
            try await node.agent("install").expectExit(0)
            try node.setMIGHardware("", "process 0 pid=4711\n")
            var (printed, code) = try await node.mig("apply", "balanced")
            #expect(printed.gpus.first?.outcome == "in-use" && printed.gpus.first?.users?.map(\.pid) == [4711])
            #expect(printed.state == "failed" && code == 1)

            try node.setMIGHardware("virtualization=vgpu")
            (printed, code) = try await node.mig("apply", "balanced")
            #expect(printed.gpus.first?.outcome == "refused" && code == 1)
            #expect(printed.gpus.first?.why?.contains("Only the vGPU host can change") == true)
            #expect(
                node.text("/etc/gpu-sim/mig-layout") == nil && node.text("/var/lib/gpu-agent/mig-layout.json") == nil
            )

            try node.setMIGHardware("trait.migNeedsReset=on")
            (printed, code) = try await node.mig("apply", "balanced")
            #expect(["reboot-required", "reset-required"].contains(printed.state) && code == 3, "\(printed)")
            #expect(try node.migRecord().map(\.state) == ["reset-required"])
            // The reboot: the pending mode is active.
            let layout = node.path("/etc/gpu-sim/mig-layout")
            try "mode 0 1 1\n".write(toFile: layout, atomically: false, encoding: .utf8)
            (printed, code) = try await node.mig("restore")
            #expect(printed.state == "success" && code == 0, "\(printed)")
        }
    }

    /// The driver refuses a compute instance: the GPU instance is there, and the layout is not.
    @Test func aStepThatFailsIsReported() async throws {
        try await SimulatedNode.with("h100") { node in
            try await node.agent("install").expectExit(0)
            try node.setMIGHardware("", "fault nvmlGpuInstanceCreateComputeInstance code=23\n")
            let (printed, code) = try await node.mig("apply", "balanced")
            #expect(printed.state == "failed" && code == 1)
            #expect(printed.gpus.first?.failure?.contains("23 NVML_ERROR_INSUFFICIENT_RESOURCES") == true)
            #expect(try node.migRecord().map(\.state) == ["failed"])
        }
    }

    /// The driver was loaded again without a daemon, and one of two GPUs was replaced.
    @Test func eachGPUHasARecordOfItsOwn() async throws {
        try await SimulatedNode.with("two-h100") { node in
            try await node.agent("install").expectExit(0)
            try node.setMIGHardware()
            #expect(try await node.mig("apply", "first").1 == 0)
            #expect(try await node.mig("apply", "second").1 == 0)
            #expect(try node.migRecord().map(\.layout) == ["first", "second"])
            #expect(try await node.mig("assert", "first").1 == 0)

            try await node.run(["modprobe", "-r", "nvidia-uvm", "nvidia-modeset", "nvidia"])
            for module in ["nvidia", "nvidia-modeset", "nvidia-uvm"] { try await node.run(["modprobe", module]) }
            var status = try await node.status()
            #expect(status.verdict == "not-ready" && status.reason == "mig-layout-lost")

            let old = "GPU-8b3f5d12-77ae-4c09-9d54-61c2a0f7e3b5"
            let new = "GPU-00000000-77ae-4c09-9d54-61c2a0f7e3b5"
            let file = try #require(node.text("/etc/gpu-sim/hardware")).replacing(old, with: new)
            try file.write(toFile: node.path("/etc/gpu-sim/hardware"), atomically: false, encoding: .utf8)
            var (printed, code) = try await node.mig("restore")
            #expect(printed.state == "failed" && code == 1)
            #expect(printed.problems.count == 1 && printed.problems[0].contains("In its place is the GPU \(new)"))
            #expect(printed.gpus.map(\.current) == ["7 × 1g.12gb"], "the other GPU has its layout")
            #expect(try await node.mig("assert", "second").0.gpus.map(\.current) == ["MIG mode off"])
            status = try await node.status(["--fresh"])
            #expect(status.findings.first { $0.code == "mig-gpu-replaced" }?.state == "warning")

            (printed, code) = try await node.mig("apply", "second")
            #expect(printed.state == "success" && code == 0, "\(printed)")
            #expect(try node.migRecord().map(\.uuid).contains(new) && node.migRecord().count == 2)
        }
    }

    @Test func wrongUsage() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("bad.yaml", "version: v1\nmig-configs: {a: [{devices: all}]}\n")
        try directory.write("mig.yaml", MIGLayouts.config)
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
