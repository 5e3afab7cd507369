import ClusterSupport
import FoundationEssentials
import Glibc
import NodeModel
import TestSupport
import Testing

/// A new driver that fails in place of the agent's own one: the agent goes back to the driver before it.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct RollbackTests {
    static let old = "580.105.08"
    static let new = "595.91.07"

    /// How the new driver fails.
    enum Fault: String, CaseIterable, CustomTestStringConvertible {
        /// The installer ends with 1 before it removes the old driver.
        case build
        /// The installer ends with 1 in the middle of installing, when the old driver is gone.
        case files
        /// The installer succeeds, but the libraries of the driver fail.
        case libraries

        var testDescription: String { rawValue }
        var code: String { self == .libraries ? "nvml-unavailable" : "installer-failed" }

        /// The steps that lead back.
        var steps: [StepID] {
            switch self {
            case .build: [.begin, .install, .load, .verify, .finish]
            case .files: [.begin, .download, .install, .load, .verify, .finish]
            case .libraries: [.begin, .download, .unload, .install, .load, .verify, .finish]
            }
        }
    }

    @Test(arguments: Fault.allCases)
    func goesBackToTheOldDriver(_ fault: Fault) async throws {
        let uninterrupted = try await Uninterrupted.shared(Self.old)
        try await SimulatedNode.with { node in
            try await node.agent("install", node.options(for: Self.old)).expectExit(0)
            try await node.breakDriver(fault)
            let options = try node.options(for: Self.new)
            // The way back needs no network.
            let install = try await node.agent("install", options)
            install.expectExit(1)
            #expect(install.errors.contains("× \(fault.code): "), "\(install)")
            let note = "! the new driver failed, so the agent goes back to driver \(Self.old)\n"
            #expect(install.errors.contains(note), "\(install)")
            let back = "driver-rolled-back: The agent went back to driver \(Self.old), which works."
            #expect(install.errors.contains(back), "\(install)")
            #expect(try node.requests().count == 2)
            try await node.expectOldDriver(options, fault)
            expectSame(try await node.tree(), uninterrupted.tree)
            #expect(try node.journal().steps.map(\.step) == fault.steps)
            #expect(node.processes() == [])

            // A plan has no steps, and the operator's next install tries the new driver again.
            let plan = try await node.agent("plan", ["-o", "json"] + options).decoded(as: PrintedPlan.self)
            #expect(plan.steps.isEmpty && plan.problems.isEmpty)
            try await node.agent("install", options).expectExit(1)
            try await node.expectOldDriver(options, fault)
            try await node.repairDriver()
            try await node.agent("install", options).expectExit(0)
            try await node.expectWholeInstall(like: Uninterrupted.shared(Self.new))
            #expect(try node.journal().failed == nil)
        }
    }

    /// The agent has unloaded the old driver, and cannot record that the installer begins.
    ///
    /// Nothing of the old driver has changed, so it works again.
    @Test func anInstallThatEndsAfterTheUnloadLoadsTheOldDriverAgain() async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install", node.options(for: Self.old)).expectExit(0)
            let loaded = try await node.moduleNames()
            let script = #"""
                cat >/usr/local/sbin/modprobe <<'END'
                #!/bin/sh
                [ "$*" != '-r nvidia' ] || mount -o remount,bind,ro /var/lib/gpu-agent
                exec /sbin/modprobe "$@"
                END
                chmod 755 /usr/local/sbin/modprobe
                mount --bind /var/lib/gpu-agent /var/lib/gpu-agent
                """#
            try await node.run(["sh", "-ec", script])
            let options = try node.options(for: Self.new)
            let install = try await node.agent("install", options)
            install.expectExit(1)
            #expect(
                install.errors.contains("× install-failed: cannot write /var/lib/gpu-agent/journal.json"),
                "\(install)"
            )
            #expect(
                install.errors.contains("! nothing of the old driver has changed, so the agent loads it again"),
                "\(install)"
            )
            #expect(!install.errors.contains("could not be loaded again"), "\(install)")
            #expect(try await node.moduleNames() == loaded)
            #expect(node.text("/sys/module/nvidia/version") == "\(Self.old)\n")

            try await node.run(["sh", "-ec", "rm /usr/local/sbin/modprobe; umount -l /var/lib/gpu-agent"])
            try await node.agent("install", options).expectExit(0)
            try await node.expectWholeInstall(like: Uninterrupted.shared(Self.new))
        }
    }

    /// The driver before the failed one fits, when an operator selects it.
    @Test func anotherSelectionNeedsNoInstall() async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install", node.options(for: Self.old)).expectExit(0)
            try await node.breakDriver(.files)
            try await node.agent("install", node.options(for: Self.new)).expectExit(1)
            let options = try node.options(for: Self.old)
            let status = try await node.status(options)
            #expect(status.verdict == "ready")
            #expect(!status.findings.contains { $0.code == "driver-rolled-back" })
            let before = try await node.writes()
            try await node.agent("install", options).expectExit(0)
            expectSame(try await node.writes(), before)
        }
    }

    /// NVIDIA's installer does not load nvidia-peermem, and the agent installs no nvidia-drm.
    @Test func theModulesThatUseTheDriverAreLoadedAgain() async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install", node.options(for: Self.old)).expectExit(0)
            // The kernel has no InfiniBand, and without this option the module is not loaded.
            let option = "options nvidia-peermem peer_memory=1"
            try await node.run(["sh", "-c", "echo '\(option)' >/etc/modprobe.d/peermem.conf; modprobe nvidia-peermem"])
            let loaded = try await node.moduleNames()
            #expect(loaded.contains("nvidia_peermem"))
            try await node.breakDriver(.libraries)
            let options = try node.options(for: Self.new)
            try await node.agent("install", options).expectExit(1)
            try await node.expectOldDriver(options, .libraries)
            #expect(try await node.moduleNames() == loaded)

            try await node.repairDriver()
            try await node.agent("install", options).expectExit(0)
            #expect(try await node.moduleNames() == loaded)
            #expect(try node.journal().unloadedModules == nil)

            // What does not load is a note, and the node is ready.
            let place = "mkdir /sys/module/$1; echo 0 >/sys/module/$1/refcnt; echo live >/sys/module/$1/initstate"
            for name in ["nvidia_drm", "gdrdrv"] { try await node.run(["sh", "-ec", place, "place-module", name]) }
            let old = try node.options(for: Self.old)
            let install = try await node.agent("install", old)
            install.expectExit(0)
            for name in ["nvidia_drm", "gdrdrv"] {
                let note = "! \(name) was loaded before, and could not be loaded again: "
                #expect(install.errors.contains(note), "\(install)")
            }
            #expect(try await node.moduleNames() == loaded)
            let status = try await node.status(old)
            #expect(status.verdict == "ready")
            let finding = status.findings.first { $0.code == "extra-modules-missing" }
            #expect(finding?.state == "notice" && finding?.observed.hasSuffix("not loaded now: gdrdrv.") == true)
        }
    }

    /// The daemon tries the failed driver once, and the node stays usable.
    @Test func theDaemonDoesNotTryItAgain() async throws {
        try await TestCluster.with { cluster in
            try await SimulatedNode.with { node in
                try await node.agent("install", node.options(for: Self.old)).expectExit(0)
                try await node.breakDriver(.files)
                let options = try node.options(for: Self.new) + ["--interval", "1s"]
                try await RunningAgent.with(node, cluster, options: options) { agent in
                    try await untilAsync("the agent went back", deadline: .seconds(90)) {
                        try node.journal().failed != nil && node.journal().record?.state == .installed
                    }
                    try await agent.awaitVerdict(.ready)
                    let loads = node.moduleLoads()
                    try await agent.looksAgain(3)
                    #expect(node.moduleLoads() == loads)
                    #expect(try node.requests().count == 2)
                    try await node.expectOldDriver(try node.options(for: Self.new), .files)
                }
                // Another daemon does not try it either.
                try await RunningAgent.with(node, cluster, options: options) { agent in
                    try await agent.awaitVerdict(.ready)
                    try await agent.looksAgain(3)
                    #expect(try node.requests().count == 2)
                }
            }
        }
    }

    /// Such a failure comes before the agent touches the old driver.
    @Test(arguments: ["download", "headers", "in use"])
    func aFailureBeforeTheChangeLeavesTheOldDriver(_ cause: String) async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install", node.options(for: Self.old)).expectExit(0)
            let loads = node.moduleLoads()
            switch cause {
            case "download": try await node.replaceInCatalog("/NVIDIA", by: "/absent/NVIDIA")
            case "headers": try await node.run(["sh", "-c", "rm -r /lib/modules/$(uname -r)/build"])
            default: try await node.holdGPUs()
            }
            let options = try node.options(for: Self.new, buildPackages: false)
            let refused = try await node.agent("install", options)
            refused.expectExit(1)
            #expect(node.moduleLoads() == loads, "\(refused)")
            #expect(try node.journal().failed == nil)
            #expect(try await node.status(try node.options(for: Self.old)).verdict == "ready")
        }
    }

    /// When the old driver fails, too, both failures are reported, and the next install converges.
    @Test func saysWhenTheOldDriverDoesNotWorkEither() async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install", node.options(for: Self.old)).expectExit(0)
            try await node.run(["sh", "-c", "echo 'fault nvmlInit_v2 code=999' >>/etc/gpu-sim/hardware"])
            let options = try node.options(for: Self.new)
            let install = try await node.agent("install", options)
            install.expectExit(1)
            #expect(install.errors.hasPrefix("[1/") && install.errors.contains("\n× nvml-unavailable: "), "\(install)")
            let either = "\n× nvml-unavailable: The agent could not go back to driver \(Self.old): "
            #expect(install.errors.contains(either), "\(install)")
            #expect(!install.errors.contains("which works"), "\(install)")
            let journal = try node.journal()
            #expect(journal.failed?.record.version == Self.new && journal.record?.version == Self.old)
            #expect(journal.record?.state == .changing && journal.failure?.code.rawValue == "nvml-unavailable")
            let status = try await node.status(options)
            #expect(status.verdict == "not-ready")
            let text = status.findings.first { $0.code == "driver-rolled-back" }?.observed
            #expect(text?.contains("The agent goes back to driver \(Self.old).") == true)

            try await node.repairDriver()
            try await node.agent("install", options).expectExit(0)
            try await node.expectWholeInstall(like: Uninterrupted.shared(Self.new))
        }
    }
}

extension SimulatedNode {
    func breakDriver(_ fault: RollbackTests.Fault) async throws {
        let line =
            fault == .libraries
            ? "echo 'fault nvmlInit_v2 code=999 version=\(RollbackTests.new)' >>/etc/gpu-sim/hardware"
            : "echo 'installer-fails=\(fault.rawValue) \(RollbackTests.new)' >>/etc/gpu-sim/host"
        try await run(["sh", "-c", line])
    }

    func repairDriver() async throws {
        try await run(["sed", "-i", "/^fault/d", "/etc/gpu-sim/hardware"])
        try await run(["sed", "-i", "/^installer-fails/d", "/etc/gpu-sim/host"])
    }

    /// The names of the loaded kernel modules.
    func moduleNames() async throws -> [String] {
        try await run(["sh", "-c", "lsmod | tail -n +2 | cut -d ' ' -f 1 | sort"]).split(separator: "\n").map(
            String.init
        )
    }

    /// Expects that the node works with the old driver, and says why it does not have the new one.
    func expectOldDriver(_ options: [String], _ fault: RollbackTests.Fault) async throws {
        let status = try await self.status(options)
        #expect(status.verdict == "ready")
        #expect(Set(status.driver.sources.map(\.version)) == [RollbackTests.old])
        #expect(status.decision.action == "adopt" && status.decision.owner == "gpu-agent")
        let finding = status.findings.first { $0.code == "driver-rolled-back" }
        #expect(finding?.state == "notice")
        for text in [RollbackTests.new, fault.code, "The agent went back to driver \(RollbackTests.old)."] {
            #expect(finding?.observed.contains(text) == true, "\(finding?.observed ?? "no finding")")
        }
        #expect(status.nextAction.contains("run 'gpu-agent install', which tries driver \(RollbackTests.new) again"))
        let journal = try self.journal()
        #expect(journal.record?.state == .installed && journal.record?.version == RollbackTests.old)
        #expect(journal.failed?.record.version == RollbackTests.new)
        #expect(journal.failed?.failure.code.rawValue == fault.code)
    }

    /// Changes the catalog that the agent uses.
    func replaceInCatalog(_ text: String, by other: String) async throws {
        let catalog = try directory.text("catalog.yaml")
        try directory.write("catalog.yaml", catalog.replacing(text, with: other))
    }
}
