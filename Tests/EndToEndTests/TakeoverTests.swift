import FoundationEssentials
import Glibc
import NodeModel
import TestSupport
import Testing

/// Removes the driver of another owner with permission, also with an agent that is killed during the removal.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct TakeoverTests {
    private static let others = ["driver=580.105.08 grid-azure open"]

    /// Options that select another driver version and allow the takeover.
    private func leave(on node: SimulatedNode) throws -> [String] {
        try node.directory.write(
            "config.yaml",
            "apiVersion: gpu-agent/v1\nkind: AgentConfig\ndriver: {version: 595.91.07, takeover: true}\n"
        )
        return ["--config", node.directory.path("config.yaml")]
    }

    @Test func leavesNothingOfTheOthersDriver() async throws {
        let uninterrupted = try await Uninterrupted.shared()
        try await SimulatedNode.with(set: Self.others) { node in
            let options = try leave(on: node)
            let plan = try await node.agent("plan", ["-o", "json"] + options).decoded(as: PrintedPlan.self)
            #expect(plan.steps.map(\.id) == steps(wholeInstall, beforeInstall: .unload, .remove))
            try await node.agent("install", options).expectExit(0)
            try await node.expectWholeInstall(like: uninterrupted)
            #expect(try await node.tree().filter { $0.contains("580.105.08") } == [])
        }
    }

    @Test func leavesADriverInPlaceThatAProcessUses() async throws {
        try await SimulatedNode.with(set: Self.others) { node in
            let options = try leave(on: node)
            let before = try await node.writes()
            // Nothing answers behind the node, so it can only be held, not opened for use.
            let holder = "import os,time; os.open('/dev/nvidiactl', os.O_PATH); time.sleep(600)"
            let script = "python3 -c \"$1\" >/dev/null 2>&1 & echo $! >/run/holder; sleep 0.5"
            try await node.run(["sh", "-c", script, "sh", holder])
            let install = try await node.agent("install", options)
            install.expectExit(1)
            #expect(install.errors.contains("driver-in-use: Driver 580.105.08 is installed, but "))
            #expect(install.errors.contains("These processes use the driver: python3 ("))
            expectSame(try await node.writes(), before)
            #expect(node.text("/sys/module/nvidia/version") == "580.105.08\n")
            #expect(try node.requests().isEmpty)

            try await node.run(["sh", "-c", "kill $(cat /run/holder); rm /run/holder; sleep 0.5"])
            try await node.agent("install", options).expectExit(0)
        }
    }

    /// Before and after the journal writes of the steps `unload`, `remove` and `install`.
    @Test(arguments: (4...8).flatMap { write in KillPoint.Side.allCases.map { KillPoint(write: write, side: $0) } })
    func goesOnWhereItWasKilled(_ point: KillPoint) async throws {
        let uninterrupted = try await Uninterrupted.shared()
        let shim = try await KillShim.shared()
        try await SimulatedNode.with(set: Self.others) { node in
            let options = try leave(on: node)
            let killed = try await node.agent("install", options, environment: shim.killing(at: point))
            #expect(killed.wasKilled, "\(killed)")
            try await node.agent("install", options).expectExit(0)
            try await node.expectWholeInstall(like: uninterrupted)
            #expect(try node.requests().count == 1)
        }
    }

    /// The removal is a job of the host: it continues without the agent, and the next agent waits for it.
    ///
    /// When the job is killed too, the next agent starts it again.
    @Test(arguments: [false, true])
    func goesOnAfterARemovalThatWasCutOff(_ killsTheRemoval: Bool) async throws {
        let uninterrupted = try await Uninterrupted.shared()
        try await SimulatedNode.with(set: Self.others + ["uninstall-slow=6"]) { node in
            let options = try leave(on: node)
            let job = "\(HostLayout.jobs)/remove-595.91.07"
            let killed = try await node.agent("install", options) { agent in
                try await until("the removal runs") { node.exists("\(job)/pid") }
                try await Task.sleep(for: .milliseconds(500))
                kill(agent, SIGKILL)
            }
            #expect(killed.wasKilled, "\(killed)")
            #expect(try node.journal().record?.state == .changing)
            if killsTheRemoval {
                let leader = try #require(node.text("\(job)/pid")?.split(separator: " ").first)
                try await node.run(["sh", "-c", "kill -s KILL -- -\(leader)"])
                try await until("the removal is gone") { node.processes() == [] }
            }
            let again = try await node.agent("install", options)
            again.expectExit(0)
            let waits = again.errors.contains("an earlier agent started (remove-595.91.07)")
            #expect(waits == !killsTheRemoval, "\(again.errors)")
            try await node.expectWholeInstall(like: uninterrupted)
        }
    }
}
