import NodeModel
import TestSupport
import Testing

/// What is around the agent's driver on a simulated node.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct SurroundingsTests {
    /// Writes a configuration on this machine, and returns the options that name it.
    private func configuration(_ body: String, in directory: TemporaryDirectory) throws -> [String] {
        try directory.write("config.yaml", "apiVersion: gpu-agent/v1\nkind: AgentConfig\n\(body)\n")
        return ["--config", directory.path("config.yaml")]
    }

    @Test func modulesGetTheConfiguredParameters() async throws {
        let directory = try TemporaryDirectory()
        let first = try configuration("driver: {moduleParameters: {nvidia: {NVreg_EnableMSI: 0}}}", in: directory)
        try await SimulatedNode.with { node in
            try await node.run(["mkdir", "-p", "/etc/modprobe.d"])
            try await node.takeFirstLedger()
            try await node.agent("install", first).expectExit(0)
            #expect(node.text("/proc/driver/nvidia/params")?.contains("EnableMSI: 0\n") == true)
            let inForce = try await node.status(first).findings.first { $0.code == "module-parameters-pending" }
            #expect(inForce?.state == "pass", "\(inForce.map { "\($0)" } ?? "no finding")")

            // A change is written, and does not touch the loaded modules.
            let loaded = try await node.run(["lsmod"])
            let second = try configuration("driver: {moduleParameters: {nvidia: {NVreg_EnableMSI: 1}}}", in: directory)
            try await node.agent("install", second).expectExit(0)
            let again = try await node.agent("plan", ["-o", "json"] + second).decoded(as: PrintedPlan.self)
            #expect(again.steps.isEmpty)
            #expect(try await node.run(["lsmod"]) == loaded)
            #expect(node.text(ModuleParameters.path)?.contains("options nvidia NVreg_EnableMSI=1\n") == true)
            let status = try await node.status(second)
            #expect(status.verdict == "ready")
            #expect(status.findings.contains { $0.code == "module-parameters-pending" && $0.state == "notice" })

            try await node.uninstall().expectExit(0)
            try await node.expectUninstalled()
        }
    }
}
