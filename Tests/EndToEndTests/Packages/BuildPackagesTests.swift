import FoundationEssentials
import Glibc
import NodeModel
import TestSupport
import Testing

/// An agent on a host that lacks what the build of the kernel modules needs.
@Suite(.onSimulatedNodes, .having("apt-get", "dpkg-deb"), .timeLimit(.minutes(10)))
struct BuildPackagesTests {
    /// Starts a host without headers, compiler and make, for which the repository has packages.
    static func with(
        makeScript: String = "",
        _ body: @escaping @Sendable (DebianRepository) async throws -> Void
    ) async throws {
        try await SimulatedNode.with("h100", set: ["headers=no"]) { node in
            let repository = try await DebianRepository(node)
            // Those of this machine, without the packages that depend on them.
            let version = try await node.run(["dpkg-query", "-W", "-f", "${Version}\\n", "gcc", "make"])
                .split(separator: "\n").map(String.init)
            try await node.run(["cp", "/usr/bin/make", "/run/make"])
            try await node.run(["apt-get", "-qy", "purge", "gcc", "make"])
            let gcc = "mkdir $root/usr/bin; ln -s gcc-12 $root/usr/bin/gcc; ln -s gcc-12 $root/usr/bin/cc"
            try await repository.add("gcc", version: version[0], files: gcc)
            try await repository.add(
                "make",
                version: version[1],
                script: makeScript,
                files: "mkdir $root/usr/bin; cp /run/make $root/usr/bin"
            )
            try await body(repository)
        }
    }

    static let names = [DebianRepository.headers, "gcc", "make"]

    @Test func installsThePackagesAndThenTheDriver() async throws {
        try await Self.with { repository in
            let node = repository.node
            let before = try await repository.installed()
            let plan = try await node.agent("plan")
            plan.expectExit(0)
            #expect(plan.output.contains("install \(Self.names.joined(separator: ", ")) with apt-get"))
            let install = try await node.agent("install")
            install.expectExit(0)
            #expect(try await node.status().verdict == "ready")
            let journal = try node.journal()
            #expect(journal.steps.map(\.step).prefix(3) == [.begin, .buildPackages, .download])
            #expect(
                repository.packages.recorded() == (Self.names + ["t-kbuild"]).sorted().map { "add \($0)" }
                    + Self.names.sorted().map { "hold \($0)" }
            )

            // What the journal says undoes exactly this.
            let record = try #require(journal.steps.first { $0.step == .buildPackages })
            for case .job(let job) in try #require(record.inverse?.first).effects { try await node.run(job.command) }
            expectSame(try await repository.installed(), before)
            #expect(!node.exists(HostLayout.buildPackages))
        }
    }

    /// The package `make` cannot be installed before the driver is there.
    @Test func downloadsTheDriverMeanwhile() async throws {
        let wait = "for i in $(seq 300); do ls \(HostLayout.packages)/*.run && exit 0; sleep 0.1; done; exit 1"
        try await Self.with(makeScript: wait) { repository in
            let node = repository.node
            let install = try await node.agent("install")
            install.expectExit(0)
            #expect(try node.requests().count == 1)
            #expect(try node.journal().steps.map(\.step).prefix(3) == [.begin, .buildPackages, .download])
            #expect(try await node.status().verdict == "ready")
        }
    }

    /// The step is in the journal, or the journal has lost it, or there is no journal any more.
    @Test(arguments: ["recorded", "forgotten", "no journal"])
    func anUninstallRemovesThem(_ journal: String) async throws {
        try await Self.with { repository in
            let node = repository.node
            let before = try await repository.installed()
            try await node.takeFirstLedger()
            try await node.agent("install").expectExit(0)
            if journal == "forgotten" {
                var forgotten = try node.journal()
                forgotten.steps.removeAll { $0.step == .buildPackages }
                let path = URL(filePath: node.path(HostLayout.journal))
                try JSONEncoder().encode(forgotten).write(to: path)
            } else if journal == "no journal" {
                let script = "modprobe -r nvidia-uvm nvidia-modeset nvidia; nvidia-uninstall --silent"
                try await node.run(["sh", "-ec", "\(script); rm \(HostLayout.journal)"])
            }
            let plan = try await node.uninstall(["--plan"])
            let list = "those packages for the build that other packages need by then: "
            #expect(plan.output.contains("\(list)gcc, \(DebianRepository.headers), make, t-kbuild\n"), "\(plan)")
            let run = try await node.uninstall()
            run.expectExit(0)
            #expect(!run.output.contains("packages for the build,"), "\(run)")
            expectSame(try await repository.installed(), before)
            #expect(!node.exists(HostLayout.buildPackages))
            let named = namedByUninstall.union(try await node.writtenByApt())
            if journal != "no journal" {
                try await node.expectUninstalled(apartFrom: named)
            } else {
                // Somebody else removed the driver, and the package of the agent stayed.
                #expect(try node.journal().uninstall?.state == .done)
            }
        }
    }

    /// The agent works in `/usr` where its own directory forbids programs, and needs no `/tmp` for the removal.
    @Test func anUninstallLeavesNothingOfAWorkDirectoryInUsr() async throws {
        try await Self.with { repository in
            let node = repository.node
            let record = "echo $TMPDIR >>/dev/shm/places"
            try await repository.add(
                "t-kbuild",
                version: "1.1",
                script: record,
                files: "printf '#!/bin/sh\\n\(record)\\n' >$root/DEBIAN/postrm; chmod 755 $root/DEBIAN/postrm"
            )
            try await node.run(["mount", "-t", "tmpfs", "-o", "mode=700,size=64m,noexec", "state", HostLayout.state])
            try await node.takeFirstLedger()
            try await node.agent("install").expectExit(0)
            try await node.run(["mount", "-t", "tmpfs", "-o", "ro", "none", "/tmp"])
            let run = try await node.uninstall()
            try await node.run(["umount", "/tmp"])
            run.expectExit(0)
            #expect(Set(node.text("/dev/shm/places")?.split(separator: "\n") ?? []) == [HostLayout.workInUsr[...]])
            try await node.run(["rm", "/dev/shm/places"])
            try await node.expectUninstalled(
                apartFrom: namedByUninstall.union(try await node.writtenByApt())
            )
        }
    }

    @Test func anUninstallNamesThePackagesThatStay() async throws {
        try await Self.with { repository in
            let node = repository.node
            try await node.agent("install").expectExit(0)
            try await repository.add("t-foreign", depends: "make")
            try await node.run(["sh", "-c", "apt-get -q update && apt-get -qy install t-foreign"])
            let run = try await node.uninstall()
            run.expectExit(0)
            let stays = "packages for the build, because other packages need them: make\n"
            #expect(run.output.contains(stays), "\(run)")
        }
    }

    /// The kernel's compiler is newer than the default one of the distribution.
    @Test func buildsWithTheCompilerOfTheKernel() async throws {
        try await SimulatedNode.with("h100", set: ["kernel-compiler=gcc (Test) 99.1.0"]) { node in
            let repository = try await DebianRepository(node)
            let words = "gcc-99 (Test) 99.1.0"
            let files = """
                mkdir -p $root/usr/bin
                printf '%s\\n' '#!/bin/sh' '[ "$1" != --version ] || { echo "\(words)"; exit; }' 'exec gcc "$@"' \
                    >$root/usr/bin/gcc-99
                chmod 755 $root/usr/bin/gcc-99
                """
            try await repository.add("gcc-99", files: files)
            let before = try await repository.installed()
            try await node.agent("install").expectExit(0)
            let version = try await node.run(["cat", "/proc/driver/nvidia/version"])
            #expect(version.contains("GCC version:  \(words)"), "\(version)")
            #expect(try await node.status().verdict == "ready")
            #expect(repository.packages.recorded() == ["add gcc-99", "hold gcc-99"])
            try await node.uninstall().expectExit(0)
            expectSame(try await repository.installed(), before)
        }
    }

    /// apt reads the variables of a proxy only in lower case.
    @Test func aptUsesTheProxyOfTheAgent() async throws {
        try await Self.with { repository in
            let node = repository.node
            let source = "echo 'deb [trusted=yes] http://repository.invalid ./' >/etc/apt/sources.list"
            try await node.run(["sh", "-ec", "\(source); rm -rf /var/lib/apt/lists/*"])
            let file = node.directory.path("proxy-port")
            try await runProgram(["python3", "-c", Self.proxy, file, node.path("/repo")]) { proxy in
                defer { kill(proxy, SIGKILL) }
                try await until("the proxy listens") {
                    try node.directory.exists("proxy-port") && node.directory.text("proxy-port").hasSuffix("\n")
                }
                let port = try node.directory.text("proxy-port").filter(\.isNumber)
                let environment = ["HTTP_PROXY": "http://127.0.0.1:\(port)", "NO_PROXY": "127.0.0.1"]
                try await node.agent("install", environment: environment).expectExit(0)
            }
            #expect(try await node.status().verdict == "ready")
            // What apt has downloaded takes no room on the host after the install.
            let cached = try await node.run(["ls", "/var/cache/apt/archives"])
            #expect(!cached.contains("t-kbuild_"), "\(cached)")
        }
    }

    /// A proxy that answers from a directory, whatever the server is.
    private static let proxy = """
        import functools, http.server, sys, urllib.parse
        class Proxy(http.server.SimpleHTTPRequestHandler):
            def translate_path(self, path): return super().translate_path(urllib.parse.urlsplit(path).path)
        handler = functools.partial(Proxy, directory=sys.argv[2])
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        with open(sys.argv[1], "w") as file: file.write(f"{server.server_address[1]}\\n")
        server.serve_forever()
        """

    @Test func aConfigurationForbidsIt() async throws {
        try await Self.with { repository in
            let node = repository.node
            let before = try await repository.installed()
            let install = try await node.agent("install", try node.withoutBuildPackages())
            install.expectExit(1)
            for code in ["compiler-missing", "make-missing", "kernel-headers-missing"] {
                #expect(install.errors.contains("\(code): "))
            }
            #expect(try await repository.installed() == before)
            #expect(try node.requests().isEmpty)
        }
    }

    @Test func failsWithinAMinuteWhenNoRepositoryHasTheHeaders() async throws {
        try await Self.with { repository in
            let node = repository.node
            try await node.run(["sh", "-c", "rm /repo/linux-headers-*"])
            try await repository.add("t-other")
            let start = ContinuousClock.now
            let install = try await node.agent("install")
            #expect(ContinuousClock.now - start < .seconds(60))
            install.expectExit(1)
            let text = "No repository has \(DebianRepository.headers). The index of the packages is new."
            #expect(install.errors.contains("build-package-missing: \(text)\n"))
            // A download that began meanwhile is stopped, and is not a step of the journal.
            #expect(try node.journal().steps.map(\.step) == [.begin, .buildPackages])
            let status = try await node.status()
            #expect(status.verdict == "not-ready" && status.reason == "build-package-missing")
            // The next run converges when the package is there.
            try await repository.addHeaders(of: DebianRepository.kernel)
            try await node.agent("install").expectExit(0)
            #expect(try await node.status().verdict == "ready")
        }
    }

    /// The agent and the whole job are killed while dpkg configures the headers.
    @Test(arguments: [true, false])
    func goesOnAfterAKillInTheMiddle(_ ofTheJob: Bool) async throws {
        try await Self.with { repository in
            let node = repository.node
            let slow = "echo >/run/configuring; while [ -e /run/slow ]; do sleep 0.1; done"
            try await repository.addHeaders(of: DebianRepository.kernel, script: slow)
            try await node.run(["touch", "/run/slow"])
            let killed = try await node.agent("install") { agent in
                try await until("dpkg configures the headers") { node.exists("/run/configuring") }
                kill(agent, SIGKILL)
            }
            #expect(killed.wasKilled, "\(killed)")
            #expect(try node.journal().steps.last?.step == .buildPackages)
            if ofTheJob {
                let job = "\(HostLayout.jobs)/build-packages-595.99.02/pid"
                let leader = try #require(node.text(job)?.split(separator: " ").first)
                try await node.run(["sh", "-c", "kill -s KILL -- -\(leader)"])
                try await until("the job is gone") { node.processes() == [] }
            }
            try await node.run(["rm", "/run/slow"])
            try await node.agent("install").expectExit(0)
            #expect(try await node.status().verdict == "ready")
            let held = try await node.run(["apt-mark", "showhold"]).split(separator: "\n").map(String.init)
            #expect(held == Self.names.sorted())
            #expect(repository.packages.recorded().count { $0.hasPrefix("add ") } == 4)
            #expect(try await node.run(["dpkg", "--audit"]).isEmpty)
        }
    }
}

extension SimulatedNode {
    /// The options for an agent that may not install packages.
    func withoutBuildPackages() throws -> [String] {
        let text = "apiVersion: gpu-agent/v1\nkind: AgentConfig\ndriver: {buildPackages: false}\n"
        try directory.write("no-packages.yaml", text)
        return ["--config", directory.path("no-packages.yaml")]
    }
}
