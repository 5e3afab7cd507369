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
            #expect(majors() == ["195 nvidia", "195 nvidiactl", "237 nvidia-caps", "511 nvidia-uvm"])
            try await node.run(["modprobe", "-r", "nvidia-uvm", "nvidia-drm"])
            #expect(majors() == [])
            #expect(node.text("/proc/devices")?.contains("Block devices:") == true)
        }
    }
}
