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

    private static let links = ["sh", "-c", "cd /dev/char && for link in *; do echo $link $(readlink $link); done"]

    @Test func everyDeviceHasANodeAndALink() async throws {
        try await SimulatedNode.with { node in
            try await node.run(["mkdir", "-p", "/dev/char", "/etc/udev/rules.d"])
            try await node.takeFirstLedger()
            try await node.agent("install").expectExit(0)
            for name in ["nvidia0", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-caps/nvidia-cap1"] {
                #expect(node.exists("/dev/\(name)"), "\(name)")
            }
            let links = try await node.run(Self.links)
            #expect(links.contains("195:0 ../nvidia0\n") && links.contains("195:255 ../nvidiactl\n"), "\(links)")
            let plan = try await node.agent("plan", ["-o", "json"]).decoded(as: PrintedPlan.self)
            #expect(plan.steps.isEmpty)
            let code = "device-files-incomplete"
            #expect(try await node.status().findings.contains { $0.code == code && $0.state == "pass" })

            // Somebody removes the links and a node: the node stays ready, and the next pass creates them again.
            try await node.run(["sh", "-c", "rm /dev/char/* /dev/nvidia-caps/nvidia-cap1"])
            let without = try await node.status()
            #expect(without.verdict == "ready")
            #expect(without.findings.contains { $0.code == code && $0.state == "notice" })
            try await node.agent("install").expectExit(0)
            #expect(try await node.run(Self.links) == links && node.exists("/dev/nvidia-caps/nvidia-cap1"))

            // The command of the udev rule does the same.
            try await node.run(["sh", "-c", "rm /dev/char/* /dev/nvidia-caps/nvidia-cap1"])
            let rule = try #require(node.text(OwnFile.deviceRule)?.split(separator: "\n").last)
            let command = try #require(rule.split(separator: "RUN+=\"").last?.dropLast())
            let script = String(command).replacing("$$", with: "$").replacing("%%", with: "%")
            try await node.run(["sh", "-c", script])
            #expect(try await node.run(Self.links) == links && node.exists("/dev/nvidia-caps/nvidia-cap1"))

            try await node.uninstall().expectExit(0)
            try await node.expectUninstalled()
        }
    }

    /// The operator has files with the names of the agent's.
    @Test func filesOfOthersStay() async throws {
        let directory = try TemporaryDirectory()
        let options = try configuration("driver: {moduleParameters: {nvidia: {NVreg_EnableMSI: 0}}}", in: directory)
        try await SimulatedNode.with { node in
            let theirs =
                "mkdir -p /etc/udev/rules.d /etc/modprobe.d; echo '# mine' | tee \(OwnFile.deviceRule) >/dev/null"
            try await node.run(["sh", "-ec", "\(theirs); echo '# mine' >\(ModuleParameters.path)"])
            try await node.takeFirstLedger()
            let plan = try await node.agent("plan", options).output
            for path in [OwnFile.deviceRule, ModuleParameters.path] {
                #expect(plan.contains("\(path) stays as it is"), "\(plan)")
            }
            try await node.agent("install", options).expectExit(0)
            let findings = try await node.status(options).findings
            for code in ["module-parameters-pending", "device-files-incomplete"] {
                #expect(findings.first { $0.code == code }?.state == "notice", "\(findings)")
            }
            try await node.uninstall().expectExit(0)
            try await node.expectUninstalled()
            // A file that the agent wrote and the operator replaced stays, too.
            try await node.run(["rm", OwnFile.deviceRule])
            try await node.agent("install", options).expectExit(0)
            try await node.run(["sh", "-c", "echo '# mine' >\(OwnFile.deviceRule)"])
            let run = try await node.uninstall()
            run.expectExit(0)
            #expect(run.output.contains("\(OwnFile.deviceRule): the agent did not write this file"), "\(run)")
            #expect(node.text(OwnFile.deviceRule) == "# mine\n")
        }
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
