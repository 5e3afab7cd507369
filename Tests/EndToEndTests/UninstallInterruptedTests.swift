import ClusterSupport
import FoundationEssentials
import Glibc
import Kubernetes
import NodeModel
import TestSupport
import Testing

/// An uninstall that is killed, that something prevents, or that an install takes back.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct UninstallInterruptedTests {
    private static let parts = 3
    /// The number of journal writes: before each of the five steps, and after each of the four steps of the install that
    /// they undo.
    private static let writes = 9
    /// The points that differ for the host.
    ///
    /// Nothing happens between the end of an entry and the start of the next one.
    private static let points =
        (1...writes).map { KillPoint(write: $0, side: .after) }
        + [1, 2, 4, 7, 9].map { KillPoint(write: $0, side: .before) }

    @Test func theUninstallHasAsManyKillPointsAsAreTried() async throws {
        let shim = try await KillShim.shared()
        try await SimulatedNode.with { node in
            try await node.agent("install").expectExit(0)
            let writes = node.directory.path("writes")
            try await node.uninstall(environment: shim.counting(in: writes)).expectExit(0)
            #expect(try node.directory.text("writes").utf8.count == Self.writes)
        }
    }

    @Test(arguments: 0..<parts)
    func goesOnWhereItWasKilled(_ part: Int) async throws {
        let shim = try await KillShim.shared()
        let points = Self.points.enumerated().filter { $0.offset % Self.parts == part }.map(\.element)
        try await SimulatedNode.with { node in
            try await node.takeFirstLedger()
            for point in points {
                try await node.agent("install").expectExit(0)
                let killed = try await node.uninstall(environment: shim.killing(at: point))
                #expect(killed.wasKilled, "\(point.testDescription): \(killed)")
                let isBegun = point.write > 1 || point.side == .after
                let isOver = point.write == Self.writes && point.side == .after
                #expect(try node.journal().uninstall?.state == (isOver ? .done : isBegun ? .started : nil))
                if isBegun {
                    #expect(try await node.status().reason == "driver-uninstalled", "\(point.testDescription)")
                }
                try await node.uninstall().expectExit(0)
                try await node.expectUninstalled("killed \(point.testDescription)")
            }
        }
    }

    /// An operator changes their mind: an install repairs what an uninstall left.
    @Test(arguments: [1, 2, 3, 5, 6, 8])
    func anInstallTakesBackAKilledUninstall(_ write: Int) async throws {
        let uninterrupted = try await Uninterrupted.shared()
        let shim = try await KillShim.shared()
        try await SimulatedNode.with { node in
            try await node.agent("install").expectExit(0)
            let killed = try await node.uninstall(environment: shim.killing(at: KillPoint(write: write, side: .after)))
            #expect(killed.wasKilled, "\(killed)")
            try await node.agent("install").expectExit(0)
            #expect(try node.journal().uninstall == nil)
            try await node.run(["rm", "-f", "/var/log/nvidia-uninstall.log"])
            let status = try await node.status()
            #expect(status.verdict == "ready")
            #expect(status.driver.sources.count == 5)
            #expect(try node.journal().record?.state == .installed)
            #expect(try node.journal().steps.allSatisfy { $0.state == .done })
            expectSame(try await node.tree(), uninterrupted.tree)
        }
    }

    /// The uninstaller is a job of the host: it continues without the agent, and the next agent waits for it.
    @Test(arguments: [true, false])
    func goesOnAfterAnUninstallerThatWasCutOff(_ goesOn: Bool) async throws {
        try await SimulatedNode.with(set: ["uninstall-slow=\(goesOn ? 5 : 3)"]) { node in
            try await node.takeFirstLedger()
            try await node.agent("install").expectExit(0)
            let job = "\(HostLayout.jobs)/uninstall-595.91.07"
            let killed = try await node.uninstall { agent in
                try await until("the uninstaller runs") { node.exists("\(job)/pid") }
                #expect(try await node.status().reason == "driver-uninstalled")
                kill(agent, SIGKILL)
            }
            #expect(killed.wasKilled, "\(killed)")
            if !goesOn {
                let leader = try #require(node.text("\(job)/pid")?.split(separator: " ").first)
                try await node.run(["sh", "-c", "kill -s KILL -- -\(leader)"])
                try await until("the uninstaller is gone") { node.processes() == [] }
            }
            let again = try await node.uninstall()
            again.expectExit(0)
            #expect(again.errors.contains("an earlier agent started (uninstall-595.91.07)") == goesOn, "\(again)")
            try await node.expectUninstalled()
        }
    }

    /// The agent does not take the word of an uninstaller for it.
    @Test func saysWhatTheUninstallerLeft() async throws {
        try await SimulatedNode.with { node in
            try await node.takeFirstLedger()
            try await node.agent("install").expectExit(0)
            // The package of the driver, which the agent keeps, could uninstall it, too.
            try await node.run(["rm", "-r", "/usr/bin/nvidia-uninstall", HostLayout.packages])
            let failed = try await node.uninstall()
            failed.expectExit(1)
            #expect(
                failed.errors.contains("driver-removal-failed: The uninstaller left parts of the driver: "),
                "\(failed)"
            )
            let status = try await node.status()
            #expect(status.reason == "driver-uninstalled")
            #expect(status.findings.contains { $0.observed.contains("Its step verify failed: The uninstaller left") })

            try await node.agent("install").expectExit(0)
            try await node.uninstall().expectExit(0)
            try await node.expectUninstalled()
        }
    }

    @Test func changesNothingWhileAProcessUsesTheDriver() async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install").expectExit(0)
            try await node.holdGPUs()
            let before = try await node.writes()
            for options in [["--plan"], []] {
                let run = try await node.uninstall(options)
                run.expectExit(1)
                let text = run.output + run.errors
                #expect(text.contains("driver-in-use: The agent cannot uninstall driver 595.91.07 now."), "\(run)")
                #expect(text.contains("These processes use the driver: python3 ("), "\(run)")
            }
            expectSame(try await node.writes(), before)
            #expect(node.text("/sys/module/nvidia/version") == "595.91.07\n")
            try await node.releaseGPUs()
            try await node.uninstall().expectExit(0)
        }
    }

    /// The daemon looks at the node each second, and each look reads the GPUs.
    @Test func theDaemonDoesNotInstallAgain() async throws {
        try await TestCluster.with { cluster in
            try await SimulatedNode.with { node in
                try await RunningAgent.with(node, cluster, options: ["--interval", "1s"]) { agent in
                    try await agent.awaitVerdict(.ready)
                    try await untilAsync("the uninstall finds the driver free") {
                        try await node.uninstall().exitCode == 0
                    }
                    try await agent.reaches(.notReady, "uninstalled", tainted: true, labels: [:])
                    try await agent.looksAgain(3)
                    #expect(try await node.status().reason == "driver-uninstalled")
                    #expect(try node.requests().count == 1 && !node.exists("/usr/bin/nvidia-smi"))
                    #expect(await cluster.conditions()["GPUReady"]?.reason == "DriverUninstalled")

                    try await node.agent("install").expectExit(0)
                    try await agent.reaches(.ready, "installed again", labels: [:])
                }
            }
        }
    }

    /// Another kernel module uses the driver, which no list of processes shows.
    @Test func reportsAModuleThatCannotBeUnloaded() async throws {
        try await SimulatedNode.with { node in
            try await node.takeFirstLedger()
            try await node.agent("install").expectExit(0)
            let before = try node.journal()
            let hold = "echo 9 >/sys/module/nvidia/refcnt; mkdir /sys/module/nvidia/holders/nv_peer_mem"
            try await node.run(["sh", "-c", hold])
            let run = try await node.uninstall()
            run.expectExit(1)
            #expect(run.errors.contains("reboot-required: "), "\(run)")
            #expect(run.errors.contains("but the kernel module uses it: nv_peer_mem."), "\(run)")
            #expect(run.errors.contains("run 'rmmod nv_peer_mem' on it, and then 'gpu-agent uninstall'."), "\(run)")
            #expect(try node.journal() == before)
            #expect(try await node.status().verdict == "ready")
            #expect(node.exists("/sys/module/nvidia_uvm"))

            let release = "echo 2 >/sys/module/nvidia/refcnt; rmdir /sys/module/nvidia/holders/nv_peer_mem"
            try await node.run(["sh", "-c", release])
            try await node.uninstall().expectExit(0)
            try await node.expectUninstalled()
        }
    }
}
