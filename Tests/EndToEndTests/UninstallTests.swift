import ClusterSupport
import FoundationEssentials
import Glibc
import NodeModel
import TestSupport
import Testing

/// Uninstalls the driver, and compares all files of the host with those before the install.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct UninstallTests {
    private let left = [
        HostLayout.journal, HostLayout.jobs, HostLayout.logs, HostLayout.run, "/var/log/nvidia-uninstall.log",
    ]

    @Test func leavesTheHostAsItWas() async throws {
        try await SimulatedNode.with { node in
            try await node.takeFirstLedger()
            try await node.agent("install").expectExit(0)
            let before = try await node.writes()

            let plan = try await node.uninstall(["--plan", "-o", "json"])
            plan.expectExit(0)
            let planned = try plan.decoded(as: PrintedUninstall.self)
            #expect(planned.steps.map(\.id) == ["unload", "uninstall", "verify", "remove-package", "forget"])
            #expect(planned.left.compactMap(\.path) == left)
            #expect(!planned.done && planned.version == "595.91.07")
            expectSame(try await node.writes(), before)

            let run = try await node.uninstall()
            run.expectExit(0)
            #expect(run.output.hasPrefix("uninstalled: driver 595.91.07\n"), "\(run)")
            #expect(left.allSatisfy(run.output.contains), "\(run)")
            #expect(run.errors.contains("[1/5] unload the kernel modules"), "\(run)")
            try await node.expectUninstalled()

            let again = try await node.uninstall()
            again.expectExit(0)
            #expect(again.output.hasPrefix("nothing to uninstall: driver 595.91.07 was uninstalled at "), "\(again)")
            try await node.expectUninstalled()
        }
    }

    /// The ledger accepts only what the command printed, and what the stand-ins of the host write.
    @Test func namesEveryFileThatStays() async throws {
        try await SimulatedNode.with("two-h100", set: ["systemd=yes"]) { node in
            try await node.run(["mkdir", "-p", "/etc/udev/rules.d"])
            try await node.takeFirstLedger()
            try await TestCluster.with { cluster in
                _ = try await RunningAgent.with(node, cluster) { agent in try await agent.awaitVerdict(.ready) }
            }
            try await node.logToKernel(1, "NVRM: Xid (PCI:0000:81:00): 54, pid=7, name=x, power")
            let clear = [Programs.agent, "health", "clear", "0000:81:00.0", "--reason", "replaced"]
            try await runProgram(clear + ["--host-pid", "\(node.pid)"]).expectExit(0)
            #expect(node.exists(HostLayout.seenGPUs) && node.exists(HostLayout.gpuEvents))

            let run = try await node.uninstall(["-o", "json"])
            run.expectExit(0)
            let named = Set(try run.decoded(as: PrintedUninstall.self).left.compactMap(\.path))
            #expect(named.isSuperset(of: [HostLayout.seenGPUs, HostLayout.gpuEvents]))
            let output = try await node.run(["find", HostLayout.run, HostLayout.logs])
            let inside = output.split(separator: "\n").map(String.init)
            try await node.expectLedger(apartFrom: named.union(inside).union(writtenByStandIns))
        }
    }

    /// The install rebuilt an initramfs with the blacklist, and the command says that it stays.
    ///
    /// An initramfs whose files cannot be listed may have nouveau.
    @Test(arguments: ["echo kernel/drivers/gpu/drm/nouveau/nouveau.ko", "exit 1"])
    func namesTheInitramfsThatHasTheBlacklist(list: String) async throws {
        try await SimulatedNode.with("h100", set: ["nouveau=yes"]) { node in
            let image = "/boot/initrd.img-1"
            let programs = """
                mkdir -p /etc/modprobe.d
                printf '#!/bin/sh\n\(list)\n' >/usr/local/sbin/lsinitramfs
                printf '#!/bin/sh\ncat /etc/modprobe.d/* >\(image)\n' >/usr/local/sbin/update-initramfs
                sed -i '$a true' /usr/local/sbin/update-initramfs
                chmod 755 /usr/local/sbin/lsinitramfs /usr/local/sbin/update-initramfs
                update-initramfs
                """
            try await node.run(["sh", "-ec", programs])
            try await node.takeFirstLedger()
            try await node.agent("install").expectExit(0)
            #expect(node.text(image)?.contains("\nblacklist nouveau\n") == true)
            let run = try await node.uninstall()
            run.expectExit(0)
            #expect(run.output.contains("an initramfs that was built meanwhile still has the blacklist"), "\(run)")
            try await node.expectUninstalled(apartFrom: namedByUninstall.union([image]))
        }
    }

    @Test func saysThatTheDriverBeforeAnUpgradeIsNotRestored() async throws {
        try await SimulatedNode.with { node in
            try await node.takeFirstLedger()
            try await node.agent("install", node.options(for: "580.105.08")).expectExit(0)
            try await node.agent("install", node.options(for: "595.91.07")).expectExit(0)
            let run = try await node.uninstall()
            run.expectExit(0)
            #expect(run.output.contains("\n  the driver 580.105.08 is not restored\n"), "\(run)")
            try await node.expectUninstalled()
        }
    }

    /// The agent went back to its former driver, whose files it kept or installed again.
    @Test(arguments: RollbackTests.Fault.allCases)
    func leavesTheHostAsItWasAfterTheWayBack(_ fault: RollbackTests.Fault) async throws {
        try await SimulatedNode.with { node in
            try await node.takeFirstLedger()
            try await node.agent("install", node.options(for: RollbackTests.old)).expectExit(0)
            try await node.breakDriver(fault)
            try await node.agent("install", node.options(for: RollbackTests.new)).expectExit(1)
            try await node.repairDriver()
            let run = try await node.uninstall()
            run.expectExit(0)
            #expect(run.output.hasPrefix("uninstalled: driver \(RollbackTests.old)\n"), "\(run)")
            #expect(!run.output.contains("is not restored"), "\(run)")
            #expect(try node.journal().failed == nil)
            let broken: Set = ["/etc/gpu-sim/hardware", "/etc/gpu-sim/host"]
            try await node.expectUninstalled(apartFrom: namedByUninstall.union(broken))
        }
    }

    /// The agent has not touched its former driver yet, and an operator wants none.
    @Test func removesTheDriverThatAKilledUpgradeWouldHaveReplaced() async throws {
        let shim = try await KillShim.shared()
        try await SimulatedNode.with { node in
            try await node.takeFirstLedger()
            try await node.agent("install", node.options(for: "580.105.08")).expectExit(0)
            let point = KillPoint(write: 4, side: .after)
            let options = try node.options(for: "595.91.07")
            let killed = try await node.agent("install", options, environment: shim.killing(at: point))
            #expect(killed.wasKilled, "\(killed)")
            #expect(try node.journal().record?.state == .started)
            let run = try await node.uninstall()
            run.expectExit(0)
            #expect(run.output.hasPrefix("uninstalled: driver 580.105.08\n"), "\(run)")
            try await node.expectUninstalled()
        }
    }

    @Test func saysThatTheDriverOfAnotherOwnerIsNotRestored() async throws {
        try await SimulatedNode.with { node in
            try await node.takeFirstLedger()
            let packages = try FileManager.default.contentsOfDirectory(atPath: node.directory.path("packages"))
            let package = try #require(packages.first { $0.contains("580.105.08") })
            let bytes = try Data(contentsOf: URL(filePath: node.directory.path("packages/\(package)")))
            try bytes.write(to: URL(filePath: node.path("/tmp/driver.run")))
            let script = "sh /tmp/driver.run --silent -M open; nvidia-modprobe -u -c0; rm /tmp/driver.run"
            try await node.run(["sh", "-ec", script])

            let foreign = try await node.uninstall()
            foreign.expectExit(1)
            #expect(foreign.errors.contains("foreign-driver: Driver 580.105.08 is installed"), "\(foreign)")
            #expect(foreign.errors.contains("→ Run nvidia-uninstall on the host"), "\(foreign)")
            #expect(!node.exists(HostLayout.journal) && node.exists("/sys/module/nvidia"))

            try await node.agent("install", node.options(for: "595.91.07", takeover: true)).expectExit(0)
            let run = try await node.uninstall()
            run.expectExit(0)
            let words = "the driver of someone who ran NVIDIA's installer is not restored"
            #expect(run.output.contains(words), "\(run)")
            // Its owner's installer has a log of its own.
            try await node.expectUninstalled(apartFrom: namedByUninstall.union(["/var/log/nvidia-installer.log"]))
        }
    }

    /// The points after the begin, in the download, around the installer, and in the load.
    @Test(arguments: [
        KillPoint(write: 1, side: .after), KillPoint(write: 3, side: .after), KillPoint(write: 4, side: .after),
        KillPoint(write: 5, side: .before), KillPoint(write: 7, side: .before), KillPoint(write: 11, side: .before),
    ])
    func undoesAnInstallThatWasKilled(_ point: KillPoint) async throws {
        let shim = try await KillShim.shared()
        try await SimulatedNode.with { node in
            try await node.takeFirstLedger()
            let killed = try await node.agent("install", environment: shim.killing(at: point))
            #expect(killed.wasKilled, "\(killed)")
            // The installer is a job, which the next agent waits for.
            try await node.uninstall().expectExit(0)
            try await node.expectUninstalled()
        }
    }

    @Test(arguments: ["Building kernel modules", "Installing 'NVIDIA"])
    func undoesAnInstallThatWasKilledWithItsInstaller(at line: String) async throws {
        try await SimulatedNode.with(set: ["installer-slow=3"]) { node in
            try await node.takeFirstLedger()
            let killed = try await node.agent("install") { agent in
                try await until("the installer says '\(line)'") {
                    node.text(HostLayout.installerLog)?.contains(line) == true
                }
                kill(agent, SIGKILL)
                node.killEverything()
            }
            #expect(killed.wasKilled, "\(killed)")
            try await until("everything is gone") { node.processes() == [] }
            try await node.uninstall().expectExit(0)
            try await node.expectUninstalled()
        }
    }
}

extension SimulatedNode {
    @discardableResult
    func uninstall(
        _ options: [String] = [],
        environment: [String: String] = [:],
        during: @escaping @Sendable (pid_t) async throws -> Void = { _ in }
    ) async throws -> Finished {
        try await runProgram(
            [Programs.agent, "uninstall", "--host-pid", "\(pid)"] + options,
            environment: environment,
            during: during
        )
    }

    /// Expects the host as it was before the install, a journal without an install, and a status that says so.
    func expectUninstalled(
        apartFrom named: Set<String> = namedByUninstall,
        _ comment: Comment? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let journal = try self.journal()
        #expect(journal.record == nil && journal.steps == [], comment, sourceLocation: sourceLocation)
        #expect(journal.uninstall?.state == .done, comment, sourceLocation: sourceLocation)
        #expect(processes() == [], comment, sourceLocation: sourceLocation)
        try await expectLedger(apartFrom: named, comment, sourceLocation: sourceLocation)
        let status = try await self.status()
        #expect(status.verdict == "not-ready", comment, sourceLocation: sourceLocation)
        #expect(status.reason == "driver-uninstalled", comment, sourceLocation: sourceLocation)
    }
}

/// The output of `uninstall -o json`.
struct PrintedUninstall: Decodable {
    struct Left: Decodable {
        var path: String?
        var what: String
    }

    var version: String?
    var done: Bool
    var steps: [PrintedPlan.Step]
    var left: [Left]
    var problems: [PrintedProblem]
}
