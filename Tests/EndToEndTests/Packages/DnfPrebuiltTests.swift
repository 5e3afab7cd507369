import Glibc
import NodeModel
import TestSupport
import Testing

/// An agent that installs a driver from packages of RHEL, with the real dnf 4, dnf 5 and rpm.
@Suite(.onSimulatedNodes, .having("dnf", "rpmbuild", "createrepo_c"), .timeLimit(.minutes(10)))
struct DnfPrebuiltTests {
    private static let steps: [StepID] = [.begin, .downloadPackages, .driverPackages, .load, .verify, .finish]

    @Test func installsAndUninstallsWithSecureBoot() async throws { try await installsAndUninstalls(dnf5: false) }

    @Test(.havingDnf5) func installsAndUninstallsWithDnf5() async throws { try await installsAndUninstalls(dnf5: true) }

    private func installsAndUninstalls(dnf5: Bool) async throws {
        try await DnfPrebuiltRepository.with(dnf5: dnf5) { prebuilt in
            let node = prebuilt.node
            let before = try await prebuilt.repository.installed()
            // The databases of rpm and dnf are those of a host on which they ran, and the directories are there.
            let directory = "/usr/lib/modules/5.14.0-427.13.1.el9_4.x86_64/extra/drivers/video"
            try await node.run(["sh", "-ec", "dnf -qy install t-make; dnf -qy remove t-make; mkdir -p \(directory)"])
            try await node.takeFirstLedger()
            let plan = try await node.agent("plan")
            plan.expectExit(0)
            let reason =
                "offers \(DnfPrebuiltRepository.modules) with driver \(DnfPrebuiltRepository.version), and Secure Boot is on"
            #expect(plan.output.contains(reason), "\(plan)")
            try await node.agent("install").expectExit(0)
            let status = try await node.status()
            #expect(status.verdict == "ready", "\(status)")
            #expect(status.decision.action == "adopt" && status.decision.owner == "gpu-agent")
            #expect(try node.journal().steps.map(\.step) == Self.steps)
            #expect(try node.requests().isEmpty)
            // Without its plugin, dnf 4 holds nothing.
            let held = DnfPrebuiltRepository.names.map { "hold \($0)" } + ["made \(Dnf5Tests.locks)"]
            let added = (DnfPrebuiltRepository.names + ["t-sh"]).map { "add \($0)" }
            #expect(prebuilt.recorded() == added + (dnf5 ? held : []))
            #expect(try await node.agent("plan").output.contains("none, because there is nothing to do"))

            try await node.uninstall().expectExit(0)
            expectSame(try await prebuilt.repository.installed(), before)
            #expect(!node.exists(HostLayout.driverPackages))
            try await node.expectUninstalled(apartFrom: namedByUninstall.union(try await node.writtenByDnf()))
        }
    }

    /// The cache of the node is older than the repository.
    @Test func aVersionThatIsGoneChangesNothing() async throws {
        try await DnfPrebuiltRepository.with { prebuilt in
            let node = prebuilt.node
            let before = try await prebuilt.repository.installed()
            try await node.run(["sh", "-c", "rm /repo/*/*nvidia*"])
            try await prebuilt.addPackages(release: "2")
            let gone = try await node.agent("install")
            gone.expectExit(1)
            let package = "nvidia-driver-cuda-3:\(DnfPrebuiltRepository.version)-1.el9"
            #expect(gone.errors.contains("prebuilt-modules-missing: No repository has "), "\(gone)")
            #expect(gone.errors.contains(package), "\(gone)")
            #expect(try node.journal().steps.map(\.step) == [.begin, .downloadPackages])
            #expect(try await prebuilt.repository.installed() == before)
            try await node.agent("install").expectExit(0)
            #expect(try await node.status().verdict == "ready")
            #expect(
                try await prebuilt.repository.installed().contains { $0.hasPrefix("nvidia-driver-cuda-595.99.02-2") }
            )
        }
    }

    /// Without a cache, the agent does not know what the repositories have.
    @Test func refreshesAnEmptyCache() async throws {
        try await DnfPrebuiltRepository.with { prebuilt in
            let node = prebuilt.node
            try await node.run(["sh", "-ec", "dnf -q clean all; mv /repo /away"])
            let plan = try await node.agent("plan", ["--config", try Self.packages(node)])
            plan.expectExit(0)
            #expect(plan.output.contains("refresh the package index of dnf"), "\(plan)")
            let failed = try await node.agent("install", ["--config", try Self.packages(node)])
            failed.expectExit(1)
            #expect(failed.errors.contains("package-index-failed: "), "\(failed)")

            // The repositories that answer are enough.
            let dead = "[dead]\nname=dead\nbaseurl=file:///nowhere\ngpgcheck=0"
            try await node.run(["sh", "-ec", "mv /away /repo; echo \"$1\" >/etc/yum.repos.d/dead.repo", "sh", dead])
            try await node.agent("install", ["--config", try Self.packages(node)]).expectExit(0)
            #expect(try await node.status().verdict == "ready")
            #expect(try node.journal().steps.map(\.step) == Self.steps)
        }
    }

    @Test func namesThePackageThatNoRepositoryHas() async throws {
        try await DnfPrebuiltRepository.with { prebuilt in
            let node = prebuilt.node
            try await node.run(["sh", "-c", "rm /repo/*/kmod-*; createrepo_c -q /repo; dnf -q makecache --refresh"])
            let none = try await node.agent("plan", ["--config", try Self.packages(node)])
            none.expectExit(1)
            let text = "No repository of the node offers kmod-nvidia-open-595.*-5.14.0-427.13.1"
            #expect(none.output.contains(text), "\(none)")
        }
    }

    private static func packages(_ node: SimulatedNode) throws -> String {
        try node.directory.write(
            "packages.yaml",
            "apiVersion: gpu-agent/v1\nkind: AgentConfig\ndriver: {source: packages}\n"
        )
        return node.directory.path("packages.yaml")
    }

    /// The files of the real plugin, which scripts/setup unpacks.
    private static let plugin = "/usr/local/share/gpu-agent-tests/dnf-plugins-core"

    @Test(.enabled("needs the plugin of dnf, which scripts/setup unpacks") { access(plugin, R_OK) == 0 })
    func anUpdateOfTheSystemKeepsTheDriver() async throws {
        try await DnfPrebuiltRepository.with { prebuilt in
            let node = prebuilt.node
            // Other plugins of the package want files that the node does not have.
            let copy = """
                python=/usr/lib/python3/dist-packages
                mkdir -p $python/dnf-plugins /etc/dnf/plugins
                cp -R $1$python/dnfpluginscore $python
                cp $1$python/dnf-plugins/versionlock.py $python/dnf-plugins
                cp $1/etc/dnf/plugins/versionlock.* /etc/dnf/plugins
                """
            try await node.run(["sh", "-ec", copy, "sh", Self.plugin])
            let locks = ["dnf", "-q", "-C", "versionlock", "list"]
            try await node.run(["dnf", "-q", "versionlock", "add", "t-libc"])
            try await node.agent("install").expectExit(0)
            let held = DnfPrebuiltRepository.names
            #expect(prebuilt.recorded() == (held + ["t-sh"]).map { "add \($0)" } + held.map { "hold \($0)" })
            let list = try await node.run(locks)
            #expect(list.contains("nvidia-driver-cuda-libs-3:595.99.02-1.el9.*\n"), "\(list)")

            try await prebuilt.addPackages("595.99.03")
            try await node.run(["dnf", "-y", "--refresh", "upgrade"])
            let installed = try await prebuilt.repository.installed()
            #expect(!installed.contains { $0.contains("595.99.03") }, "\(installed)")
            #expect(try await node.status().verdict == "ready")
            try await node.uninstall().expectExit(0)
            #expect(try await node.run(locks) == "t-libc-0:1-100.*\n")
        }
    }

    /// Which stream a node has is the choice of its operator.
    @Test func doesNotEnableAStream() async throws {
        try await DnfPrebuiltRepository.with { prebuilt in
            let node = prebuilt.node
            let before = try await prebuilt.repository.installed()
            try await node.run(["sh", "-ec", "printf '%s' \"$1\" >/run/modules.yaml", "sh", Self.stream])
            try await node.run([
                "sh", "-ec",
                "modifyrepo_c --mdtype=modules /run/modules.yaml /repo/repodata; dnf -q makecache --refresh",
            ])
            let install = try await node.agent("install")
            install.expectExit(1)
            let text = "driver-packages-failed: The install would enable the module stream nvidia-driver:595."
            #expect(install.errors.contains(text), "\(install)")
            #expect(try await prebuilt.repository.installed() == before)
            try await node.run(["dnf", "-qy", "module", "enable", "nvidia-driver:595"])
            try await node.agent("install").expectExit(0)
            #expect(try await node.status().verdict == "ready")
        }
    }

    private static let stream = """
        ---
        document: modulemd
        version: 2
        data:
          name: nvidia-driver
          stream: "595"
          version: 1
          context: c0ffee
          arch: x86_64
          summary: made for a test
          description: made for a test
          license: {module: [MIT]}
          profiles: {default: {rpms: [nvidia-driver-cuda]}}
          artifacts:
            rpms:
            - nvidia-driver-cuda-3:595.99.02-1.el9.x86_64
            - nvidia-driver-cuda-libs-3:595.99.02-1.el9.x86_64
            - nvidia-kmod-common-3:595.99.02-1.el9.noarch
        ...
        ---
        document: modulemd-defaults
        version: 1
        data:
          module: nvidia-driver
          stream: "595"
          profiles: {"595": [default]}
        ...

        """
}
