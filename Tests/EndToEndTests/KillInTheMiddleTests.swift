import FoundationEssentials
import Glibc
import NodeModel
import TestSupport
import Testing

/// An agent that is killed during a step, alone or with its child processes, and started again.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct KillInTheMiddleTests {
    private let package = "\(HostLayout.packages)/NVIDIA-Linux-x86_64-595.91.07-grid-azure.run"
    private let job = "\(HostLayout.jobs)/install-595.91.07"
    private let built = "Kernel module compilation complete."

    @Test func goesOnWithTheDownload() async throws {
        let uninterrupted = try await Uninterrupted.shared()
        let package = package
        try await SimulatedNode.with(server: ["--bytes-per-second", "500000"]) { node in
            let killed = try await node.agent("install") { agent in
                try await until("some bytes of the package came") {
                    (try? FileManager.default.attributesOfItem(atPath: node.path("\(package).partial")))
                        .flatMap { $0[.size] as? UInt } ?? 0 > 100_000
                }
                kill(agent, SIGKILL)
            }
            #expect(killed.wasKilled, "\(killed)")
            #expect(node.exists("\(package).partial"))
            #expect(!node.exists(package))

            try await node.agent("install").expectExit(0)
            try await node.expectWholeInstall(like: uninterrupted)
            let requests = try node.requests()
            let broken = try #require(requests.first { !$0.complete })
            let resumed = try #require(requests.last)
            #expect(requests.count == 2)
            #expect(broken.range == nil)
            #expect(resumed.complete)
            #expect(resumed.status == 206)
            #expect(resumed.ifRange != nil)
            let start = try #require(resumed.range.flatMap { Int($0.dropFirst("bytes=".count).dropLast()) })
            #expect(start > 100_000)
            #expect(start <= broken.bytes)
        }
    }

    @Test func waitsForTheInstallerThatStillRuns() async throws {
        let uninterrupted = try await Uninterrupted.shared()
        let (job, built) = (job, built)
        try await SimulatedNode.with(set: ["installer-slow=6"]) { node in
            let killed = try await node.killAgent(once: built)
            #expect(killed.wasKilled, "\(killed)")
            let began = try #require(try node.journal().steps.last)
            #expect(began.step == .install)
            #expect(began.state == .started)
            let installer = try #require(node.text("\(job)/pid"))
            #expect(node.installers() == 1)
            #expect(try await node.status().verdict == "installing")

            let again = try await node.agent("install") { _ in
                // While the first installer runs there is no second one: the job is the one that was left.
                try await until("the installer ends") {
                    if let running = node.text("\(job)/pid") { #expect(running == installer) }
                    #expect(node.installers() <= 1)
                    return node.installers() == 0
                }
            }
            again.expectExit(0)
            let line = "waiting for the job that an earlier agent started (install-595.91.07)"
            #expect(again.errors.contains(line))
            #expect(!again.errors.contains("install the grid driver"))
            try await node.expectWholeInstall(like: uninterrupted)
            let ended = try #require(try node.journal().steps.first { $0.step == .install })
            #expect(ended.startedAt == began.startedAt)
            #expect(node.moduleLoads() == uninterrupted.moduleLoads)
            #expect(try node.requests().count == 1)
        }
    }

    @Test(arguments: ["Building kernel modules", "Kernel module compilation complete.", "Installing 'NVIDIA"])
    func installsAnewWhenTheInstallerWasKilledToo(at line: String) async throws {
        let uninterrupted = try await Uninterrupted.shared()
        let job = job
        // The installer must still run when the test kills it, on a busy machine too.
        try await SimulatedNode.with(set: ["installer-slow=3"]) { node in
            let killed = try await node.killAgent(once: line)
            #expect(killed.wasKilled, "\(killed)")
            let leader = try #require(node.text("\(job)/pid")?.split(separator: " ").first)
            try await node.run(["sh", "-c", "kill -s KILL -- -\(leader)"])
            try await until("the installer is gone") { node.processes() == [] }
            #expect(!node.exists("\(job)/result"))

            let again = try await node.agent("install")
            again.expectExit(0)
            #expect(!again.errors.contains("waiting for the job that an earlier agent started"))
            try await node.expectWholeInstall(like: uninterrupted)
            #expect(try node.requests().count == 1)
        }
    }

    @Test func installsAnewWhenTheInstallerWasKilledAfterItLoadedTheDriver() async throws {
        let uninterrupted = try await Uninterrupted.shared()
        let shim = try await KillShim.shared()
        let job = job
        try await SimulatedNode.with { node in
            // The fifth write notes the installer's end. Without its result the job is as one that was killed then.
            let point = KillPoint(write: 5, side: .before)
            let killed = try await node.agent("install", environment: shim.killing(at: point))
            #expect(killed.wasKilled, "\(killed)")
            try await node.run(["rm", "\(job)/result"])
            #expect(node.exists("/sys/module/nvidia"))

            try await node.agent("install").expectExit(0)
            try await node.expectWholeInstall(like: uninterrupted)
            #expect(node.moduleLoads() == 2 * uninterrupted.moduleLoads)
            #expect(try node.requests().count == 1)
        }
    }

    @Test func loadsTheDriverAfterARebootInTheMiddle() async throws {
        let uninterrupted = try await Uninterrupted.shared()
        let shim = try await KillShim.shared()
        try await SimulatedNode.with { node in
            // The sixth write notes that the installer ended well and the next step begins.
            let point = KillPoint(write: 6, side: .after)
            let killed = try await node.agent("install", environment: shim.killing(at: point))
            #expect(killed.wasKilled, "\(killed)")
            #expect(try node.journal().steps.last?.step == .load)
            let installed = try #require(try node.journal().steps.first { $0.step == .install })
            let loads = node.moduleLoads()
            try await node.reboot()

            try await node.agent("install").expectExit(0)
            try await node.expectWholeInstall(like: uninterrupted)
            let install = try node.journal().steps.first { $0.step == .install }
            #expect(install == installed)
            #expect(node.moduleLoads() == loads + 1)
            #expect(try node.requests().count == 1)
        }
    }

    @Test func loadsTheDriverAfterARebootAndChangesNothingElse() async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install").expectExit(0)
            let (before, loads) = (try await node.writes(), node.moduleLoads())
            let record = try node.journal().record
            try await node.reboot()
            let status = try await node.status()
            #expect(status.verdict == "not-ready")
            #expect(status.reason == "driver-not-loaded")
            #expect(status.nextAction == "Run 'gpu-agent install'.")

            try await node.agent("install").expectExit(0)
            #expect(try await node.status().verdict == "ready")
            // The journal tells how long the loading took; nothing else is written.
            let ours = [HostLayout.journal, "\(HostLayout.state) "]
            let others = { (lines: [String]) in lines.filter { line in !ours.contains(where: line.contains) } }
            expectSame(others(try await node.writes()), others(before))
            #expect(try node.journal().record == record)
            #expect(node.moduleLoads() == loads + 1)
            #expect(try node.requests().count == 1)
        }
    }

    @Test func aPackageOfAnEarlierChoiceDoesNotStay() async throws {
        try await SimulatedNode.with(server: ["--bytes-per-second", "500000"]) { node in
            let killed = try await node.agent("install") { agent in
                try await until("the download began") {
                    node.exists("\(HostLayout.packages)/NVIDIA-Linux-x86_64-595.91.07-grid-azure.run.partial")
                }
                kill(agent, SIGKILL)
            }
            #expect(killed.wasKilled, "\(killed)")
            try await node.agent("install", node.options(for: "580.105.08")).expectExit(0)
            let status = try await node.status()
            #expect(status.decision.driver?.version == "580.105.08")
            // Only the package of the installed driver stays.
            let kept = try await node.run(["ls", HostLayout.packages]).split(separator: "\n")
            #expect(kept.count == 1 && kept.allSatisfy { $0.contains("-580.105.08") }, "\(kept)")
        }
    }
}

extension SimulatedNode {
    /// Starts an install, and kills only the agent when the log of the installer has a line with this text.
    fileprivate func killAgent(once text: String) async throws -> Finished {
        try await agent("install") { agent in
            try await until("the installer says '\(text)'") {
                self.text(HostLayout.installerLog)?.contains(text) == true
            }
            kill(agent, SIGKILL)
        }
    }

    /// The number of running installers: shells that execute the package.
    fileprivate func installers() -> Int {
        // A shell that forks shows its own command line twice until the child becomes another program.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path("/proc"))) ?? []
        let shells = names.filter { text("/proc/\($0)/cmdline")?.hasPrefix("sh\0\(HostLayout.packages)/") == true }
        return shells.count { shell in
            let stat = text("/proc/\(shell)/stat")?.split(separator: ")").last?.split(separator: " ") ?? []
            return stat.count > 1 && !shells.contains(String(stat[1]))
        }
    }

    /// Removes what a host loses in a reboot: modules, device nodes and `/run`.
    fileprivate func reboot() async throws {
        try await run(["modprobe", "-r", "nvidia-uvm", "nvidia-modeset", "nvidia"])
        try await run(["sh", "-c", "rm -rf /dev/nvidia* /run/gpu-agent"])
        #expect(!exists("/sys/module/nvidia"))
    }
}
