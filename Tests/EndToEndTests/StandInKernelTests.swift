import FoundationEssentials
import TestSupport
import Testing

/// The kernel of the simulated node inserts and removes a module in one step, as a real kernel does.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct StandInKernelTests {
    /// Half a module in `/sys/module` would be a failure that no real node has, and would fail other tests at random.
    @Test func aKilledModprobeLeavesNoHalfModule() async throws {
        let script = try String(contentsOfFile: fixture("KernelKills/kill_modprobe.sh"), encoding: .utf8)
        try await SimulatedNode.with(set: ["driver=580.105.08 grid-azure open"]) { node in
            let said = try await node.run(["bash", "-c", script, "kill_modprobe", "12"])
            let lines = said.split(separator: "\n").map(String.init)
            let wrong = lines.filter { $0.contains("wrong") }
            let killed = lines.filter { $0.hasPrefix("killed: ") }
            #expect(wrong == [])
            // Of the 24 kills, some come after the end of modprobe.
            #expect(killed.count >= 6, "\(lines)")
            #expect(Set(killed).count >= 3, "\(lines)")
        }
    }

    @Test func theMajorNumbersFollowTheLoadedModules() async throws {
        try await SimulatedNode.with("h100", set: ["driver=580.159.04 tesla open"]) { node in
            func majors() -> [String] {
                let lines = (node.text("/proc/devices") ?? "").split(separator: "\n").map(String.init)
                return lines.filter { $0.contains("nvidia") }
            }
            #expect(
                majors() == [
                    "195 nvidia", "195 nvidia-modeset", "195 nvidiactl", "237 nvidia-caps", "511 nvidia-uvm",
                ]
            )
            try await node.run(["modprobe", "-r", "nvidia-uvm", "nvidia-drm"])
            #expect(majors() == [])
            #expect(node.text("/proc/devices")?.contains("Block devices:") == true)
        }
    }

    @Test func onlyNvidiaModprobeMakesDeviceNodesAndTheyStay() async throws {
        try await SimulatedNode.with(set: ["driver=580.105.08 grid-azure open"]) { node in
            func nodes() async throws -> [String] {
                let script = "cd /dev && ls -d nvidia* nvidia-caps/* 2>/dev/null || true"
                return try await node.run(["sh", "-c", script]).split(separator: "\n").map(String.init)
            }
            try await node.run(["sh", "-c", "rm -r /dev/nvidia*"])
            try await node.run(["modprobe", "-r", "nvidia-uvm", "nvidia-drm"])
            try await node.run(["modprobe", "-a", "nvidia-drm", "nvidia-uvm"])
            #expect(try await nodes() == [])
            let capability = "/proc/driver/nvidia/capabilities/mig/config"
            try await node.run(["nvidia-modprobe", "-u", "-c0", "-f", capability])
            let expected = [
                "nvidia-caps", "nvidia-caps/nvidia-cap1", "nvidia-uvm", "nvidia-uvm-tools", "nvidia0", "nvidiactl",
            ]
            #expect(try await nodes().sorted() == expected)
            try await node.run(["modprobe", "-r", "nvidia-uvm", "nvidia-drm"])
            #expect(try await nodes().sorted() == expected)
        }
    }

    @Test func refusesAModuleOfAnotherVersionOrWithoutTheOneThatItNeeds() async throws {
        try await SimulatedNode.with(set: ["driver=580.105.08 grid-azure open"]) { node in
            let module = "/lib/modules/$(uname -r)/kernel/drivers/video/nvidia-uvm.ko"
            // A version of the same length leaves the rest of the file as it is.
            let copy = "sed 's/version=580.105.08/version=580.105.07/' \(module) >/tmp/nvidia-uvm.ko"
            try await node.run(["sh", "-c", "modprobe -r nvidia-uvm && \(copy)"])
            func insert() async throws -> String {
                try await node.run(["sh", "-c", "insmod /tmp/nvidia-uvm.ko 2>&1; dmesg | tail -n 2"])
            }
            let other = try await insert()
            #expect(other.contains("could not insert module /tmp/nvidia-uvm.ko: Invalid parameters\n"))
            #expect(other.contains("nvidia_uvm: disagrees about version of symbol nvidia_get_rm_ops\n"))
            #expect(other.contains("nvidia_uvm: Unknown symbol nvidia_get_rm_ops (err -22)\n"))
            try await node.run(["modprobe", "-r", "nvidia-drm"])
            let alone = try await insert()
            #expect(alone.contains("could not insert module /tmp/nvidia-uvm.ko: Unknown symbol in module\n"))
            #expect(alone.contains("nvidia_uvm: Unknown symbol nvidia_get_rm_ops (err -2)\n"))
        }
    }

    @Test func nvidiaPeermemNeedsAKernelWithPeerMemory() async throws {
        try await SimulatedNode.with("h100", set: ["driver=580.159.04 tesla open"]) { node in
            let load = "modprobe nvidia-peermem 2>&1 || true"
            #expect(
                try await node.run(["sh", "-c", load])
                    == "modprobe: ERROR: could not insert 'nvidia_peermem': Invalid argument\n"
            )
            #expect(!node.exists("/sys/module/nvidia_peermem"))
            try await node.run(["modprobe", "nvidia-peermem", "peer_memory=1"])
            #expect(node.exists("/sys/module/nvidia/holders/nvidia_peermem"))
        }
    }

    @Test func nvidiaPersistencedUsesTheDriver() async throws {
        try await SimulatedNode.with("h100", set: ["driver=580.159.04 tesla open"]) { node in
            let before = try #require(node.text("/sys/module/nvidia/refcnt"))
            try await node.run(["nvidia-persistenced"])
            try await until("the open device counts") { node.text("/sys/module/nvidia/refcnt") != before }
            try await node.run(["sh", "-c", "kill $(cat /run/nvidia-persistenced/nvidia-persistenced.pid)"])
            try await until("it ended") { node.text("/sys/module/nvidia/refcnt") == before }
        }
    }

    /// One of two GPUs falls off the bus: the agent names it, and the other GPU works.
    @Test func aLostGPUDegradesTheNode() async throws {
        try await SimulatedNode.with("two-h100") { node in
            try await node.agent("install").expectExit(0)
            #expect(try await node.status().verdict == "ready")
            let config = "/sys/bus/pci/devices/0000:81:00.0/config"
            let xid = "NVRM: Xid (PCI:0000:81:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."
            let script = """
                tr '\\000-\\376' '\\377' <$1 >/tmp/lost && cat /tmp/lost >$1
                echo "[   99.100000] $2" >>/var/log/kern.log
                """
            try await node.run(["bash", "-c", script, "lose", config, xid])
            let status = try await node.status()
            #expect(status.verdict == "degraded")
            let lost = try #require(status.findings.first { $0.code == "gpu-lost" })
            #expect(lost.observed.contains("1 GPU of 2 does not answer: 0000:81:00.0"))
            #expect(lost.observed.contains(xid))
            #expect(!status.findings.contains { $0.state != "pass" && $0.observed.contains("0000:41:00") })
        }
    }
}
