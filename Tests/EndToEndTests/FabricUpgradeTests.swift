import FoundationEssentials
import NodeModel
import TestSupport
import Testing

/// An upgrade on a node with NVSwitch whose fabric manager comes from packages, with the real apt-get and dpkg.
@Suite(.onSimulatedNodes, .having("apt-get", "dpkg-deb"), .timeLimit(.minutes(10)))
struct FabricUpgradeTests {
    private static let old = FabricTests.driver
    private static let new = "595.99.02"
    private static let oldFiles = "\(HostLayout.fabricFiles)/\(old)"
    private static let steps: [StepID] = [
        .downloadFabricPackages, .unload, .install, .load, .fabricPackages, .fabricManager, .verify,
    ]

    /// Starts a node with the old driver and its fabric manager, whose repository then only has the new one.
    private static func withOldOne(
        _ body: @escaping @Sendable (DebianRepository, _ before: [String]) async throws -> Void
    ) async throws {
        try await FabricTests.withNVSwitch { node in
            let repository = try await DebianRepository(node)
            try await FabricTests.addPackage(old, to: repository)
            try await node.run(["apt-get", "-q", "update"])
            let before = try await repository.installed()
            try await node.agent("install", try node.options(for: old)).expectExit(0)
            #expect(node.exists("\(oldFiles)/nvidia-fabricmanager-580_\(old)-1_all.deb"))
            try await node.run(["sh", "-c", "rm /repo/nvidia-fabricmanager-580_*"])
            let words = "Fabric Manager version is : \(new)"
            let units = "usr/lib/systemd/system"
            try await repository.add(
                "nvidia-fabricmanager-595",
                version: "\(new)-1",
                depends: "t-tool",
                files: FabricTests.program("nv-fabricmanager", words, "nvidia-fabricmanager", units: units)
            )
            try await node.run(["apt-get", "-q", "update"])
            try await body(repository, before)
        }
    }

    private func expectFabricManager(_ version: String, _ repository: DebianRepository) async throws {
        let node = repository.node
        try await node.run(["systemctl", "is-active", "nvidia-fabricmanager"])
        #expect(try await node.run(["nv-fabricmanager", "--version"]).contains(version))
        let package = "nvidia-fabricmanager-\(version.prefix(3))"
        let installed = try await repository.installed().filter { $0.hasPrefix("nvidia-fabricmanager") }
        #expect(installed.contains("\(package) \(version)-1 hold ok installed"), "\(installed)")
        #expect(installed.count { $0.hasSuffix(" ok installed") } == 1, "\(installed)")
        let record = "add \(package)\nadd t-kbuild\nadd t-tool\nhold \(package)\n"
        #expect(node.text(HostLayout.fabricPackages) == record)
    }

    /// The repository has the old version no longer, so the way back needs the files that the agent kept.
    @Test func replacesThePackagesAndGoesBack() async throws {
        try await Self.withOldOne { repository, before in
            let node = repository.node
            let fault = "echo 'fault nvmlInit_v2 code=999 version=\(Self.new)' >>/etc/gpu-sim/hardware"
            try await node.run(["sh", "-c", fault])
            let options = try node.options(for: Self.new)
            let plan = try await node.agent("plan", options)
            let step = "install nvidia-fabricmanager-595 \(Self.new)-1 with apt-get"
            #expect(plan.output.contains("\(step) in place of nvidia-fabricmanager-580"), "\(plan)")
            let failed = try await node.agent("install", options)
            failed.expectExit(1)
            let words = "driver-rolled-back: The agent went back to driver \(Self.old)"
            #expect(failed.errors.contains(words), "\(failed)")
            try await expectFabricManager(Self.old, repository)
            #expect(try await node.status(options).verdict == "ready")
            #expect(!node.exists("\(HostLayout.fabricFiles)/\(Self.new)"))

            try await node.run(["sed", "-i", "/^fault/d", "/etc/gpu-sim/hardware"])
            try await node.agent("install", options).expectExit(0)
            let steps = try node.journal().steps.map(\.step)
            #expect(steps.filter(Self.steps.contains) == Self.steps, "\(steps)")
            try await expectFabricManager(Self.new, repository)
            #expect(!node.exists(Self.oldFiles) && node.exists("\(HostLayout.fabricFiles)/\(Self.new)"))
            let again = try await node.agent("plan", ["-o", "json"] + options).decoded(as: PrintedPlan.self)
            #expect(again.steps.isEmpty)

            try await node.uninstall().expectExit(0)
            expectSame(try await repository.installed(), before)
            #expect(!node.exists(HostLayout.fabricFiles) && !node.exists(HostLayout.fabricPackages))
        }
    }

    /// What an earlier attempt downloaded is enough, also when the repository does not have it any more.
    @Test func aRetryNeedsNoRepository() async throws {
        try await Self.withOldOne { repository, _ in
            let node = repository.node
            let kept = """
                mkdir -p "$1"
                mv /repo/nvidia-fabricmanager-595_* "$1"
                cd "$1"
                sha256sum -- *.deb >\(FabricPackages.checksums)
                """
            try await node.run(["sh", "-ec", kept, "sh", "\(HostLayout.fabricFiles)/\(Self.new)"])
            try await node.agent("install", try node.options(for: Self.new)).expectExit(0)
            try await expectFabricManager(Self.new, repository)
        }
    }

    /// A hold that is not in the agent's record is the choice of somebody else.
    @Test func aHoldOfSomebodyElseStays() async throws {
        try await Self.withOldOne { repository, _ in
            let node = repository.node
            try await node.run(["sed", "-i", "/^hold /d", HostLayout.fabricPackages])
            let install = try await node.agent("install", try node.options(for: Self.new))
            install.expectExit(1)
            let words = "The install would change nvidia-fabricmanager-580, and somebody else holds it."
            #expect(install.errors.contains(words), "\(install)")
            #expect(try node.journal().steps.last?.step == .downloadFabricPackages)
            try await node.run(["systemctl", "is-active", "nvidia-fabricmanager"])
            let packages = try await repository.installed()
            #expect(packages.contains("nvidia-fabricmanager-580 \(Self.old)-1 hold ok installed"), "\(packages)")
        }
    }

    /// Without the old packages there is no way back, so nothing stops.
    @Test func aFabricThatCannotComeBackStays() async throws {
        try await Self.withOldOne { repository, _ in
            let node = repository.node
            try await node.run(["rm", "-r", HostLayout.fabricFiles])
            let install = try await node.agent("install", try node.options(for: Self.new))
            install.expectExit(1)
            let words =
                "fabric-packages-failed: No repository has nvidia-fabricmanager-580 \(Self.old)-1, to which the agent would"
            #expect(install.errors.contains(words), "\(install)")
            #expect(try node.journal().steps.last?.step == .downloadFabricPackages)
            try await expectFabricManager(Self.old, repository)
            #expect(node.text("/sys/module/nvidia/version") == "\(Self.old)\n")
        }
    }
}
