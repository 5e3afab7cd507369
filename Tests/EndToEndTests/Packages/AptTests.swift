import NodeModel
import Planning
import TestSupport
import Testing

/// The real apt-get and dpkg with a local repository.
@Suite(.onSimulatedNodes, .having("apt-get", "dpkg-deb"), .timeLimit(.minutes(10)))
struct AptTests {
    private static func with(_ body: @escaping @Sendable (DebianRepository) async throws -> Void) async throws {
        try await SimulatedNode.with("h100", set: ["headers=no"]) { try await body(try await DebianRepository($0)) }
    }

    private static let lock = "/var/lib/dpkg/lock-frontend"

    @Test func addsPackagesAndTakesThemBack() async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            let before = try await repository.installed()
            let names = [DebianRepository.headers, "t-tool"]
            let install = try await packages.install(names, headers: names[0])
            install.expectExit(0)
            let held = try await node.run(["apt-mark", "showhold"]).split(separator: "\n").map(String.init)
            #expect(held == names)
            #expect(
                packages.recorded() == [
                    "add \(names[0])", "add t-kbuild", "add t-tool", "hold \(names[0])", "hold t-tool",
                ]
            )
            // An upgrade of the whole system leaves them alone, but not the packages on which they depend.
            try await repository.add("t-tool", version: "2.0", depends: "t-kbuild")
            try await repository.add("t-kbuild", version: "2.0")
            try await node.run(["sh", "-c", "apt-get -q update && apt-get -qy upgrade"])
            let versions = try await node.run(["dpkg-query", "-W", "-f", "${Version} ", "t-kbuild", "t-tool"])
            #expect(versions == "2.0 1.0 ")
            // Nothing is missing: the second run does not even ask apt.
            try await node.run(["sh", "-c", "echo broken >/etc/apt/sources.list"])
            try await packages.install(names, headers: names[0]).expectExit(0)

            try await packages.remove().expectExit(0)
            expectSame(try await repository.installed(), before)
            #expect(!node.exists(PackageNode.record))
            try await packages.remove().expectExit(0)
        }
    }

    @Test func whatWasThereBeforeStaysAndSoDoesWhatOthersNeed() async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            try await node.run(["sh", "-c", "apt-get -q update && apt-get -qy install t-kbuild"])
            try await packages.install(["t-tool"]).expectExit(0)
            #expect(packages.recorded() == ["add t-tool", "hold t-tool"])
            try await repository.add("t-foreign", depends: "t-tool")
            try await node.run(["sh", "-c", "apt-get -q update && apt-get -qy install t-foreign"])
            let remove = try await packages.remove()
            remove.expectExit(0)
            #expect(remove.output.contains("These packages stay, because other packages need them: t-tool\n"))
            let left = try await repository.installed().filter { $0.hasPrefix("t-") }
            #expect(left.map { $0.split(separator: " ").first } == ["t-foreign", "t-kbuild", "t-tool"])
            #expect(try await node.run(["apt-mark", "showhold"]).isEmpty)
        }
    }

    /// dpkg was killed while it unpacked a package.
    @Test func unpacksAPackageOfTheAgentAgain() async throws {
        try await Self.with { repository in
            let (node, packages) = (repository.node, repository.packages)
            try await packages.install(["t-tool"]).expectExit(0)
            let interrupt = """
                sed -i '/^Package: t-tool$/,/^$/s/^Status: .*/Status: install reinstreq half-installed/' \
                    /var/lib/dpkg/status
                """
            try await node.run(["sh", "-c", interrupt])
            try await packages.install(["t-tool"]).expectExit(0)
            #expect(try await repository.installed().contains("t-tool 1.0 hold ok installed"))
            #expect(packages.recorded() == ["add t-kbuild", "add t-tool", "hold t-tool"])

            // One that somebody else installs is theirs.
            try await node.run(["sh", "-c", "rm \(PackageNode.record); \(interrupt)"])
            let foreign = try await packages.install(["t-tool"])
            foreign.expectExit(80)
            #expect(foreign.output.contains("apt-get did not install t-tool"), "\(foreign)")
        }
    }

    @Test func waitsForTheLock() async throws {
        try await Self.with { repository in
            for lock in [Self.lock, "/var/lib/apt/lists/lock"] {
                try await repository.packages.start(
                    "rm -f /run/locked; python3 /run/lock.py \(lock) 8",
                    until: "[ -e /run/locked ]"
                )
                let install = try await repository.packages.install(["t-tool"])
                install.expectExit(0)
                #expect(install.output.contains("waiting for the package manager: process "))
                #expect(install.output.contains(" (python3 /run/lock.py \(lock) 8) holds \(lock)\n"))
                try await repository.packages.remove().expectExit(0)
            }
        }
    }

    @Test func namesTheProcessThatNeverReleasesTheLock() async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            // A real package manager, in the middle of its work.
            try await repository.add("t-slow", script: "while [ -e /run/slow ]; do sleep 0.1; done")
            try await node.run(["touch", "/run/slow"])
            try await node.run(["apt-get", "-q", "update"])
            try await packages.start("apt-get -qy install t-slow", until: "pgrep -f 't-slow.postins[t]'")
            let before = try await repository.installed()
            let start = ContinuousClock.now
            let install = try await packages.install(["t-tool"], patience: 2)
            #expect(ContinuousClock.now - start < .seconds(60))
            install.expectExit(81)
            let error = try #require(install.error)
            #expect(error.hasPrefix("After 2 seconds, process "), "\(error)")
            #expect(error.hasSuffix(" (apt-get -qy install t-slow) holds \(Self.lock)."), "\(error)")
            #expect(try await repository.installed() == before)
            #expect(!node.exists(PackageNode.record))

            try await node.run(["rm", "/run/slow"])
            try await packages.install(["t-tool"]).expectExit(0)
        }
    }

    @Test func healsAnInterruptedDpkgOnce() async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            try await repository.add("t-slow", script: "while [ -e /run/slow ]; do sleep 0.1; done")
            try await node.run(["touch", "/run/slow"])
            try await node.run(["apt-get", "-q", "update"])
            try await packages.start("setsid apt-get -qy install t-slow", until: "pgrep -f 't-slow.postins[t]'")
            try await node.run([
                "sh", "-c", "pkill -KILL dpkg; pkill -KILL apt-get; pkill -KILL -f 't-slow.postins[t]'; rm /run/slow",
            ])
            #expect(try await node.run(["dpkg", "--audit"]).contains("t-slow"))
            let install = try await packages.install(["t-tool"])
            install.expectExit(0)
            #expect(install.output.split(separator: "\n").count { $0.contains("dpkg --configure -a") } == 1)
            #expect(try await node.run(["dpkg", "--audit"]).isEmpty)
            #expect(packages.recorded() == ["add t-kbuild", "add t-tool", "hold t-tool"])
        }
    }

    /// The package of somebody else cannot be configured, and that is not the business of this install.
    @Test func aBrokenPackageOfSomebodyElseDoesNotMatter() async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            try await repository.add("t-broken", script: "exit 3")
            try await node.run(["sh", "-c", "apt-get -q update; apt-get -qy install t-broken || true"])
            try await packages.install(["t-tool"]).expectExit(0)
            #expect(try await repository.installed().contains { $0.hasPrefix("t-tool ") && $0.hasSuffix("installed") })
        }
    }

    @Test(arguments: [false, true])
    func namesThePackageThatNoRepositoryHas(_ isUnreachable: Bool) async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            if isUnreachable {
                // Nothing listens on this port.
                try await node.run([
                    "sh", "-c", "echo 'deb [trusted=yes] http://127.0.0.1:9/ ./' >>/etc/apt/sources.list",
                ])
            }
            // For apt-get, the first name is a pattern that the headers of the kernel match.
            let kernel = DebianRepository.kernel
            for name in ["linux-headers-\(kernel.prefix(4))", "linux-headers-9.9.9"] {
                let start = ContinuousClock.now
                let install = try await packages.install([name, "t-tool"], headers: name)
                #expect(ContinuousClock.now - start < .seconds(60))
                install.expectExit(82)
                let error = try #require(install.error)
                #expect(error.hasPrefix("No repository has \(name). "), "\(error)")
                #expect(
                    isUnreachable
                        ? error.contains(
                            "The refresh of the package index failed: E: Failed to fetch http://127.0.0.1:9/"
                        )
                        : error.hasSuffix("The index of the packages is new.")
                )
            }
            #expect(try await !repository.installed().contains { $0.hasPrefix("t-") || $0.hasPrefix("linux-headers-") })
            // A repository that is gone does not hide what the others have.
            try await packages.install(["t-tool"]).expectExit(0)
        }
    }

    @Test func neverUpgradesOrRemovesAPackage() async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            try await node.run(["sh", "-c", "apt-get -q update && apt-get -qy install t-kbuild"])
            try await repository.add("t-kbuild", version: "2.0")
            try await repository.add("t-new", depends: "t-kbuild (>= 2)")
            try await repository.add("t-other", depends: "t-none")
            try await repository.add("t-kernel", depends: "linux-image-9")
            try await repository.add("linux-image-9")
            let before = try await repository.installed()
            for (name, status, text) in [
                ("t-new", 83, "The install would upgrade t-kbuild."),
                ("t-kernel", 83, "The install would add the kernel linux-image-9."),
                ("t-other", 80, "apt-get cannot install t-other: "),
            ] {
                let install = try await packages.install([name])
                install.expectExit(status)
                #expect(install.error?.hasPrefix(text) == true, "\(install)")
            }
            #expect(try await repository.installed() == before)
            #expect(!node.exists(PackageNode.record))
        }
    }

    /// apt-get upgrades packages of one source together, unless it is told not to.
    @Test func aPackageOfTheSameSourceIsNotUpgraded() async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            try await repository.add("t-perf", source: "t-linux")
            try await node.run(["sh", "-c", "apt-get -q update && apt-get -qy install t-perf"])
            try await repository.add("t-perf", version: "2.0", source: "t-linux")
            try await repository.add("t-headers", version: "2.0", source: "t-linux")
            try await packages.install(["t-headers"]).expectExit(0)
            #expect(packages.recorded() == ["add t-headers", "hold t-headers"])
            #expect(try await node.run(["dpkg-query", "-W", "-f", "${Version}", "t-perf"]) == "1.0")
        }
    }

    @Test func refusesHeadersOfAnotherKernel() async throws {
        try await SimulatedNode.with("h100", set: ["headers=no"]) { node in
            let repository = try await DebianRepository(node, headersOf: "5.4.0-1-other")
            let name = DebianRepository.headers
            let install = try await repository.packages.install([name], headers: name)
            install.expectExit(84)
            let error = try #require(install.error)
            #expect(
                error.hasSuffix("/build/include/generated/utsrelease.h is of the kernel 5.4.0-1-other."),
                "\(error)"
            )
            #expect(repository.packages.recorded().contains("add \(name)"))
        }
    }
}
