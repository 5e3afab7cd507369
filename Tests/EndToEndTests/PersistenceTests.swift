import NodeModel
import TestSupport
import Testing

/// `nvidia-persistenced` on simulated nodes with stand-ins for systemd and for the program.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct PersistenceTests {
    private func configuration(_ driver: String, in directory: TemporaryDirectory) throws -> [String] {
        try directory.write("config.yaml", "apiVersion: gpu-agent/v1\nkind: AgentConfig\ndriver: {\(driver)}\n")
        return ["--config", directory.path("config.yaml")]
    }

    private static let link = "/etc/systemd/system/multi-user.target.wants/nvidia-persistenced.service"

    private func process(_ node: SimulatedNode) async throws -> String {
        try await node.run(["cat", "/run/nvidia-persistenced/nvidia-persistenced.pid"])
    }

    @Test func itRunsBesideADriverOfTheAgent() async throws {
        let directory = try TemporaryDirectory()
        try await SimulatedNode.with(set: ["systemd=yes"]) { node in
            try await node.takeFirstLedger()
            try await node.agent("install").expectExit(0)
            try await node.run(["systemctl", "is-active", "nvidia-persistenced"])
            #expect(node.exists(OwnFile.persistenceUnit))
            try await node.run(["test", "-L", Self.link])
            let plan = try await node.agent("plan", ["-o", "json"]).decoded(as: PrintedPlan.self)
            #expect(plan.steps.isEmpty)
            #expect(try await node.status().verdict == "ready")

            // It keeps the modules in use, so an upgrade stops it first, and starts it after that.
            let before = try await process(node)
            let older = try configuration("version: 580.105.08", in: directory)
            try await node.agent("install", older).expectExit(0)
            #expect(try await process(node) != before)
            #expect(node.text("/sys/module/nvidia/version") == "580.105.08\n")

            // Somebody stops it, and the next pass starts it again.
            try await node.run(["systemctl", "stop", "nvidia-persistenced"])
            try await node.agent("install", older).expectExit(0)
            try await node.run(["systemctl", "is-active", "nvidia-persistenced"])

            try await node.uninstall().expectExit(0)
            try await node.expectUninstalled()
        }
    }

    /// The check of the node decides whether the new driver works, and this service does not matter for CUDA.
    @Test func aServiceThatDoesNotStartTakesNoDriverBack() async throws {
        let directory = try TemporaryDirectory()
        try await SimulatedNode.with(set: ["systemd=yes"]) { node in
            try await node.agent("install").expectExit(0)
            let script = """
                real=$(command -v systemctl)
                mkdir -p /usr/local/sbin
                printf '%s\\n' '#!/bin/sh' "[ \\"\\$1\\" != start ] || { echo 'Job failed.' >&2; exit 1; }" "exec $real \\"\\$@\\"" \
                    >/usr/local/sbin/systemctl
                chmod 755 /usr/local/sbin/systemctl
                """
            try await node.run(["sh", "-ec", script])
            let older = try configuration("version: 580.105.08", in: directory)
            let install = try await node.agent("install", older)
            install.expectExit(1)
            #expect(install.errors.contains("driver-service-failed: "), "\(install)")
            #expect(!install.errors.contains("driver-rolled-back"), "\(install)")
            #expect(node.text("/sys/module/nvidia/version") == "580.105.08\n")
            #expect(try node.journal().record?.state == .installed)
            let status = try await node.status(older)
            #expect(status.verdict == "ready" && !status.findings.contains { $0.code == "driver-rolled-back" })

            // The next run starts the service again, and does nothing else.
            let plan = try await node.agent("plan", ["-o", "json"] + older).decoded(as: PrintedPlan.self)
            #expect(plan.steps.map(\.id) == ["start-services", "persistenced"], "\(plan)")
            try await node.run(["rm", "/usr/local/sbin/systemctl"])
            try await node.agent("install", older).expectExit(0)
            try await node.run(["systemctl", "is-active", "nvidia-persistenced"])
            let none = try await node.agent("plan", ["-o", "json"] + older).decoded(as: PrintedPlan.self)
            #expect(none.steps.isEmpty, "\(none)")
        }
    }

    @Test func theConfigurationAndOthersDecide() async throws {
        let directory = try TemporaryDirectory()
        let off = try configuration("persistenced: false", in: directory)
        try await SimulatedNode.with(set: ["systemd=yes"]) { node in
            try await node.agent("install", off).expectExit(0)
            #expect(!node.exists(OwnFile.persistenceUnit))
            try await node.agent("install").expectExit(0)
            try await node.run(["test", "-L", Self.link])
            try await node.agent("install", off).expectExit(0)
            #expect(!node.exists(OwnFile.persistenceUnit))
            try await node.run(["test", "!", "-L", Self.link])
            #expect(!node.exists("/run/nvidia-persistenced"))
            // A unit of another program stays as it is, also when the driver is uninstalled.
            let unit = "[Service]\nExecStart=/bin/true\n"
            try await node.run(["sh", "-c", "printf '\(unit)' >\(OwnFile.persistenceUnit)"])
            try await node.agent("install").expectExit(0)
            #expect(node.text(OwnFile.persistenceUnit) == unit)
            try await node.uninstall().expectExit(0)
            #expect(node.text(OwnFile.persistenceUnit) == unit)
        }
    }
}
