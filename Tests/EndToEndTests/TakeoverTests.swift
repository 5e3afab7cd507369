import FoundationEssentials
import Glibc
import NodeModel
import TestSupport
import Testing

/// Removes the driver of another owner with permission, also with an agent that is killed during the removal.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct TakeoverTests {
    private static let others = ["driver=580.105.08 grid-azure open"]

    /// What becomes of a removal whose agent was killed.
    enum CutOffRemoval: CaseIterable {
        case goesOn, killed
        /// It is killed when the uninstaller is gone, but other files of the driver are still there.
        case removedItself
    }

    @Test func leavesNothingOfTheOthersDriver() async throws {
        let uninterrupted = try await Uninterrupted.shared()
        try await SimulatedNode.with(set: Self.others) { node in
            let options = try node.options(for: "595.91.07", takeover: true)
            let plan = try await node.agent("plan", ["-o", "json"] + options).decoded(as: PrintedPlan.self)
            #expect(plan.steps.map(\.id) == steps(wholeInstall, beforeInstall: .unload, .remove))
            let text = try await node.agent("plan", options).output
            #expect(
                text.contains("There is no way back: when the new driver fails, the agent cannot install"),
                "\(text)"
            )
            try await node.agent("install", options).expectExit(0)
            try await node.expectWholeInstall(like: uninterrupted)
            #expect(try await node.tree().filter { $0.contains("580.105.08") } == [])
        }
    }

    /// A killed uninstaller can leave its own command, which no longer works.
    @Test func usesThePackageWhenTheUninstallerIsIncomplete() async throws {
        let uninterrupted = try await Uninterrupted.shared()
        try await SimulatedNode.with(set: Self.others) { node in
            try await node.run(["rm", "-r", "/usr/lib/nvidia/installer"])
            try await node.agent("install", try node.options(for: "595.91.07", takeover: true)).expectExit(0)
            try await node.expectWholeInstall(like: uninterrupted)
            #expect(try await node.tree().filter { $0.contains("580.105.08") } == [])
        }
    }

    @Test func leavesADriverInPlaceThatAProcessUses() async throws {
        try await SimulatedNode.with(set: Self.others) { node in
            let options = try node.options(for: "595.91.07", takeover: true)
            let before = try await node.writes()
            try await node.holdGPUs()
            let install = try await node.agent("install", options)
            install.expectExit(1)
            #expect(install.errors.contains("driver-in-use: Driver 580.105.08 is installed, but "))
            #expect(install.errors.contains("These processes use the driver: python3 ("))
            expectSame(try await node.writes(), before)
            #expect(node.text("/sys/module/nvidia/version") == "580.105.08\n")
            #expect(try node.requests().isEmpty)

            try await node.releaseGPUs()
            try await node.agent("install", options).expectExit(0)
        }
    }

    /// Another process holds the lock of dpkg.
    ///
    /// Without the removal, two drivers would be on the host.
    @Test func aRemovalThatFailedIsRepeated() async throws {
        try await SimulatedNode.with { node in
            let script = """
                mkdir -p /tmp/package/DEBIAN
                cat >/tmp/package/DEBIAN/control <<CONTROL
                Package: nvidia-driver-580-server-open
                Version: 580.159.04-0ubuntu0.22.04.1
                Architecture: all
                Maintainer: nobody <nobody@example.com>
                Description: a package without files
                CONTROL
                dpkg-deb --build /tmp/package /tmp/package.deb
                dpkg --install /tmp/package.deb
                cat >/usr/local/bin/apt-get <<LOCKED
                #!/bin/sh
                echo 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 331 (unattended-upgr)'
                exit 100
                LOCKED
                chmod 755 /usr/local/bin/apt-get
                """
            try await node.run(["sh", "-ec", script])
            let options = try node.options(for: "595.91.07", takeover: true)
            let failed = try await node.agent("install", options)
            failed.expectExit(1)
            #expect(failed.errors.contains("driver-removal-failed: apt-get purge exited with status 100: "))
            #expect(failed.errors.contains("held by process 331 (unattended-upgr)"))

            try await node.run(["rm", "/usr/local/bin/apt-get"])
            let plan = try await node.agent("plan", ["-o", "json"] + options).decoded(as: PrintedPlan.self)
            #expect(plan.steps.map(\.id).prefix(3) == ["download", "remove", "install"])
            try await node.agent("install", options).expectExit(0)
            #expect(
                try await node.run(["dpkg-query", "--show", "-f", "${Package}\n"]).contains("nvidia-driver") == false
            )
            #expect(try await node.status().verdict == "ready")
        }
    }

    /// The points around `unload`, `remove` and `install`, and some of the points that every install has.
    @Test(
        arguments: KillPoint.distinct(3...9)
            + [1, 11, ReplacedDriver.foreign.journalWrites].map { KillPoint(write: $0, side: .before) }
    )
    func goesOnWhereItWasKilled(_ point: KillPoint) async throws {
        let uninterrupted = try await Uninterrupted.shared()
        let shim = try await KillShim.shared()
        try await SimulatedNode.with(set: Self.others) { node in
            let options = try node.options(for: "595.91.07", takeover: true)
            let killed = try await node.agent("install", options, environment: shim.killing(at: point))
            #expect(killed.wasKilled, "\(killed)")
            try await node.agent("install", options).expectExit(0)
            try await node.expectWholeInstall(like: uninterrupted)
            #expect(try node.requests().count == 1)
        }
    }

    /// The removal is a job of the host: it continues without the agent, and the next agent waits for it.
    ///
    /// When the job is killed too, the next agent starts it again, even if the uninstaller has removed itself before.
    @Test(arguments: CutOffRemoval.allCases)
    func goesOnAfterARemovalThatWasCutOff(_ removal: CutOffRemoval) async throws {
        let uninterrupted = try await Uninterrupted.shared()
        let slowness = removal == .goesOn ? 6 : 3
        try await SimulatedNode.with(set: Self.others + ["uninstall-slow=\(slowness)"]) { node in
            let options = try node.options(for: "595.91.07", takeover: true)
            let job = "\(HostLayout.jobs)/remove-595.91.07"
            let killed = try await node.agent("install", options) { agent in
                try await until("the removal runs") { node.exists("\(job)/pid") }
                try await Task.sleep(for: .milliseconds(500))
                kill(agent, SIGKILL)
            }
            #expect(killed.wasKilled, "\(killed)")
            #expect(try node.journal().record?.state == .changing)
            if removal != .goesOn {
                let leader = try #require(node.text("\(job)/pid")?.split(separator: " ").first)
                try await node.run(["sh", "-c", "kill -s KILL -- -\(leader)"])
                try await until("the removal is gone") { node.processes() == [] }
            }
            if removal == .removedItself {
                try await node.run(["rm", "/usr/bin/nvidia-uninstall", "/usr/bin/nvidia-installer"])
            }
            let again = try await node.agent("install", options)
            again.expectExit(0)
            let waits = again.errors.contains("an earlier agent started (remove-595.91.07)")
            #expect(waits == (removal == .goesOn), "\(again.errors)")
            try await node.expectWholeInstall(like: uninterrupted)
        }
    }
}
