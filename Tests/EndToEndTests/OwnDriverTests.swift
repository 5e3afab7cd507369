import NodeModel
import TestSupport
import Testing

/// A node with a driver that the agent installed and must now replace.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct OwnDriverTests {
    @Test func replacesItsOwnDriverWhenAnotherIsAskedFor() async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install").expectExit(0)
            let options = try node.options(for: "580.105.08")
            let plan = try await node.agent("plan", ["-o", "json"] + options).decoded(as: PrintedPlan.self)
            #expect(plan.steps.map(\.id) == steps(wholeInstall, beforeInstall: .unload))
            try await node.agent("install", options).expectExit(0)
            let status = try await node.status()
            #expect(status.verdict == "ready")
            #expect(status.decision.owner == "gpu-agent")
            #expect(status.driver.sources.count == 5)
            #expect(Set(status.driver.sources.map(\.version)) == ["580.105.08"])
            #expect(try await node.tree().filter { $0.contains("595.91.07") } == [])
        }
    }

    @Test(arguments: ["nvidia", "nvidia_uvm"])
    func leavesADriverInUseAsItIs(_ module: String) async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install").expectExit(0)
            let loaded = try await node.run(["lsmod"])
            let count = "/sys/module/\(module)/refcnt"
            let users = try #require(node.text(count).flatMap { Int($0.filter(\.isNumber)) })
            try await node.run(["sh", "-c", "echo \(users + 1) >\(count)"])

            let options = try node.options(for: "580.105.08")
            let install = try await node.agent("install", options)
            install.expectExit(1)
            #expect(install.errors.contains("reboot-required: 'modprobe -r \(module)' failed on the host: "))
            #expect(install.errors.contains("Module \(module) is in use"))
            #expect(install.errors.contains("Drain the node and reboot it."))
            let status = try await node.status()
            #expect(status.driver.loaded)
            #expect(Set(status.driver.sources.map(\.version)) == ["595.91.07"])
            #expect(status.findings.contains { $0.code == "cuda-failed" && $0.state == "pass" })
            // The plan says so without a try, and the node still works.
            let pending = try await node.status(options)
            #expect(pending.verdict == "degraded" && pending.reason == "reboot-required")
            #expect(pending.nextAction.hasPrefix("Drain the node and reboot it."))

            try await node.run(["sh", "-c", "echo \(users) >\(count)"])
            #expect(try await node.run(["lsmod"]) == loaded)
            try await node.agent("install", options).expectExit(0)
            #expect(try await node.status().decision.driver?.version == "580.105.08")
        }
    }

    /// A change of the pinned version on a busy node: the driver stays, and the node stays ready.
    @Test func waitsWhileAProcessUsesTheGPUs() async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install").expectExit(0)
            let loaded = try await node.run(["lsmod"])
            let options = try node.options(for: "580.105.08")
            try await node.holdGPUs()

            let status = try await node.agent("status", ["-o", "json"] + options).decoded(as: PrintedStatus.self)
            #expect(status.verdict == "ready")
            #expect(status.nextAction.hasPrefix("CUDA works on this node. Drain the node"))
            let pending = try #require(status.findings.first { $0.code == "driver-change-pending" })
            #expect(pending.state == "notice")
            for text in ["595.91.07", "580.105.08", "python3 ("] { #expect(pending.observed.contains(text)) }
            let install = try await node.agent("install", options)
            install.expectExit(1)
            #expect(install.errors.contains("driver-change-pending: "))
            #expect(try await node.run(["lsmod"]) == loaded)

            try await node.releaseGPUs()
            try await node.agent("install", options).expectExit(0)
            #expect(Set(try await node.status().driver.sources.map(\.version)) == ["580.105.08"])
        }
    }
}
