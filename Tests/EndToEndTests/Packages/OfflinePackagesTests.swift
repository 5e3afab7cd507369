import Glibc
import NodeModel
import TestSupport
import Testing

/// A node without a network, and a directory with the driver and the packages for the build.
///
/// The directory is filled and used by the real apt-get and dpkg.
@Suite(.onSimulatedNodes, .having("apt-get", "dpkg-deb"), .timeLimit(.minutes(10)))
struct OfflinePackagesTests {
    private static let bundle = "/srv/drivers"
    private static let place = "\(bundle)/kernel-\(DebianRepository.kernel)"

    /// The repository does not answer, and the host has no index of it.
    private static let noNetwork =
        "rm -rf /repo; echo 'deb http://127.0.0.1:9/ ./' >/etc/apt/sources.list; rm -rf /var/lib/apt/lists"

    /// Starts a host without headers, compiler and make, fills the directory, and then changes the repository.
    private static func with(
        after change: String = noNetwork,
        _ body: @escaping @Sendable (DebianRepository, _ options: [String]) async throws -> Void
    ) async throws {
        try await BuildPackagesTests.with { repository in
            let node = repository.node
            let mirror = ["catalog", "mirror", "--to", node.path(bundle), "--host-pid", "\(node.pid)"] + node.choice
            // The other drivers that fit are on a server of NVIDIA.
            let drivers = try await runProgram([Programs.agent] + mirror + ["--driver", "595.99.02"])
            drivers.expectExit(0)
            let packages = try await runProgram([Programs.agent] + mirror + ["--kernel", DebianRepository.kernel])
            packages.expectExit(0)
            #expect(packages.output.contains("\(DebianRepository.headers), gcc, make"), "\(packages)")
            #expect(try await node.run(["sh", "-c", "ls -d /var/tmp/gpu-agent-mirror.* 2>/dev/null; true"]).isEmpty)
            let index = try #require(node.text("\(bundle)/index.json"))
            // Both runs are in the index, and what the headers depend on.
            #expect(index.contains(".run") && index.contains("t-kbuild_1.0_all.deb"), "\(index)")

            try await node.run(["sh", "-c", change])
            let config = "apiVersion: gpu-agent/v1\nkind: AgentConfig\ndriver: {source: 'file://\(bundle)'}\n"
            try node.directory.write("config.yaml", config)
            try await body(repository, ["--config", node.directory.path("config.yaml")])
        }
    }

    @Test func installsFromTheDirectory() async throws {
        try await Self.with { repository, options in
            let node = repository.node
            let before = try await repository.installed()
            let plan = try await node.agent("plan", options)
            plan.expectExit(0)
            let names = BuildPackagesTests.names.joined(separator: ", ")
            #expect(plan.output.contains("install \(names) with apt-get from \(Self.place)"), "\(plan)")
            let requests = try node.requests().count
            try await node.agent("install", options).expectExit(0)
            #expect(try await node.status(options).verdict == "ready")
            #expect(try node.journal().steps.map(\.step).prefix(3) == [.begin, .buildPackages, .copy])
            #expect(
                repository.packages.recorded() == (BuildPackagesTests.names + ["t-kbuild"]).sorted().map { "add \($0)" }
                    + BuildPackagesTests.names.sorted().map { "hold \($0)" }
            )
            #expect(try node.requests().count == requests)
            // The lists of apt are those that it had: none.
            #expect(!node.exists("/var/lib/apt/lists/partial") && !node.exists(HostLayout.work))

            try await node.uninstall().expectExit(0)
            expectSame(try await repository.installed(), before)
        }
    }

    /// The repository answers, and has the headers of this kernel no more.
    @Test func theDirectoryHasTheHeadersThatTheRepositoryDropped() async throws {
        try await Self.with(after: "rm /repo/linux-headers-*") { repository, options in
            let node = repository.node
            // Writes a new index.
            try await repository.add("t-other")
            let start = ContinuousClock.now
            let missing = try await node.agent("install")
            #expect(ContinuousClock.now - start < .seconds(60))
            missing.expectExit(1)
            #expect(
                missing.errors.contains("build-package-missing: No repository has \(DebianRepository.headers)."),
                "\(missing)"
            )
            #expect(missing.errors.contains("'gpu-agent catalog mirror --kernel"), "\(missing)")
            try await node.agent("install", options).expectExit(0)
            #expect(try await node.status(options).verdict == "ready")
            #expect(repository.packages.recorded().contains("hold \(DebianRepository.headers)"))
        }
    }

    @Test func theDirectoryCanHaveTheFabricManagerAndIMEX() async throws {
        try await BuildPackagesTests.with { repository in
            let node = repository.node
            for (name, version) in [
                ("nvidia-fabricmanager", "580.159.04-1"), ("nvidia-fabricmanager", "580.167.08-1"),
                ("nvidia-imex-580", "580.159.04-1"), ("nvlsm", "2025.03.9-1"),
            ] {
                try await repository.add(name, version: version, depends: "t-tool")
            }
            let place = ["--to", node.path(Self.bundle), "--host-pid", "\(node.pid)"] + node.choice
            let mirror = [Programs.agent, "catalog", "mirror", "--kernel", DebianRepository.kernel] + place
            let made = try await runProgram(mirror + ["--fabric-packages", "580.159.04"])
            made.expectExit(0)
            #expect(made.output.contains("gcc, make, nvidia-fabricmanager, nvidia-imex-580, nvlsm"), "\(made)")
            let files = try await node.run(["ls", Self.place]).split(separator: "\n")
            for file in [
                "nvidia-fabricmanager_580.159.04-1_all.deb", "nvidia-imex-580_580.159.04-1_all.deb",
                "nvlsm_2025.03.9-1_all.deb", "t-tool_1.0_all.deb",
            ] {
                #expect(files.contains { $0 == file }, "\(files)")
            }
            #expect(!files.contains { $0.contains("580.167.08") })
            let none = try await runProgram(mirror + ["--fabric-packages", "570.211.01"])
            none.expectExit(1)
            let words = "No repository has a fabric manager or IMEX of the version 570.211.01."
            #expect(none.errors.contains(words), "\(none)")
        }
    }

    /// Somebody changes a package in the directory.
    @Test func aChangedPackageIsNotInstalled() async throws {
        try await Self.with { repository, options in
            let node = repository.node
            let before = try await repository.installed()
            try await node.run([
                "sh", "-c", "printf x | dd of=\(Self.place)/t-kbuild_1.0_all.deb bs=1 seek=100 conv=notrunc",
            ])
            let install = try await node.agent("install", options)
            install.expectExit(1)
            #expect(install.errors.contains("source-package-mismatch: "), "\(install)")
            #expect(try await repository.installed() == before)
            try await node.run(["rm", "\(Self.place)/t-kbuild_1.0_all.deb"])
            let missing = try await node.agent("install", options)
            missing.expectExit(1)
            #expect(missing.errors.contains("source-package-missing: "), "\(missing)")
            #expect(missing.errors.contains("'gpu-agent catalog mirror --kernel'"), "\(missing)")
            #expect(try await repository.installed() == before)
        }
    }

    /// Without an index that only root can change, nothing in the directory becomes a program of root.
    @Test func anIndexOfSomebodyElseDoesNotCount() async throws {
        try await Self.with { repository, options in
            let node = repository.node
            for change in ["chown 1000", "chown 0", "chmod 666"] {
                try await node.run(["sh", "-c", "\(change) \(Self.bundle)/index.json"])
                let plan = try await node.agent("plan", options)
                guard change != "chown 0" else {
                    plan.expectExit(0)
                    continue
                }
                plan.expectExit(1)
                #expect(plan.output.contains("kernel-headers-missing"), "\(plan)")
                #expect(plan.output.contains("index.json is not safe to use: "), "\(plan)")
                let hint = "'gpu-agent catalog mirror --kernel \(DebianRepository.kernel)'"
                #expect(plan.output.contains(hint), "\(plan)")
            }
        }
    }

    @Test func namesThePackageThatNoRepositoryHas() async throws {
        try await BuildPackagesTests.with { repository in
            let node = repository.node
            let mirror = ["catalog", "mirror", "--to", node.path("/srv/no"), "--host-pid", "\(node.pid)"] + node.choice
            let failed = try await runProgram([Programs.agent] + mirror + ["--kernel", "9.9.9"])
            failed.expectExit(1)
            #expect(failed.errors.contains("No repository has linux-headers-9.9.9."), "\(failed)")
            #expect(!node.exists("/srv/no/index.json"))
        }
    }
}
