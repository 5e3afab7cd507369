import NodeModel
import Planning
import TestSupport
import Testing

/// Repositories whose server never answers, or lacks a file that the index names, with the real package managers.
@Suite(
    .onSimulatedNodes,
    .having("apt-get", "dpkg-deb", "dnf", "zypper", "rpmbuild", "createrepo_c"),
    .timeLimit(.minutes(10))
)
struct RepositoryFaultTests {
    /// The package managers whose packages are of the kind of rpm.
    enum Program: String, CaseIterable, CustomTestStringConvertible, Sendable {
        case dnf, zypper

        var testDescription: String { rawValue }
        var installer: any PackageInstaller { self == .dnf ? Dnf() : Zypper() }
        /// The command that adds a repository to the host, with its name and its address.
        var add: String {
            switch self {
            case .dnf:
                "printf '[%s]\\nname=x\\nbaseurl=%s\\ngpgcheck=0\\n' $1 $2 >/etc/yum.repos.d/$1.repo"
            case .zypper: "zypper --non-interactive addrepo --no-check --no-gpgcheck --refresh $2 $1"
            }
        }
    }

    private static func with(
        _ program: Program,
        _ body: @escaping @Sendable (RPMRepository) async throws -> Void
    ) async throws {
        try await SimulatedNode.with("h100", set: ["headers=no"]) { node in
            try await body(try await RPMRepository(node, program.installer, kernel: "5.14.0-1", build: "/usr/src/1"))
        }
    }

    private static let gone = "A repository does not have a file that its index names: "

    // A file that the server does not have

    @Test func aPackageThatTheMirrorHasDropped() async throws {
        try await SimulatedNode.with("h100", set: ["headers=no"]) { node in
            let repository = try await DebianRepository(node)
            let port = try await node.serveRepository()
            try await node.shell("echo 'deb [trusted=yes] http://127.0.0.1:\(port)/ ./' >/etc/apt/sources.list")
            // A server tells the time of an index in seconds, so two of the same second are one for apt.
            try await node.shell("rm /repo/t-tool_*.deb; touch -d '1 minute ago' /repo/Packages*")
            let before = try await repository.installed()
            let install = try await repository.packages.install(["t-tool"])
            install.expectExit(85)
            let error = try #require(install.error)
            let file = "E: Failed to fetch http://127.0.0.1:\(port)/./t-tool_1.0_all.deb 404"
            #expect(error.hasPrefix(Self.gone + file), "\(error)")
            #expect(error.hasSuffix(" The index of the packages is new."), "\(error)")
            #expect(try await repository.installed() == before)
            // The mirror is complete again, with another version.
            try await repository.add("t-tool", version: "1.1", depends: "t-kbuild")
            try await repository.packages.install(["t-tool"]).expectExit(0)
        }
    }

    @Test(arguments: Program.allCases)
    func aPackageOfRPMThatTheMirrorHasDropped(_ program: Program) async throws {
        try await Self.with(program) { repository in
            let node = repository.node
            let address = "http://127.0.0.1:\(try await node.serveRepository())/"
            try await node.shell("rm -f /etc/yum.repos.d/test.repo; \(program.add)", "served", address)
            try await node.shell("rm /repo/noarch/t-make-*.rpm")
            let before = try await repository.installed()
            let install = try await repository.packages.install(["t-make"])
            install.expectExit(85)
            #expect(install.error?.hasPrefix(Self.gone) == true, "\(install)")
            #expect(install.error?.contains("t-make-1-1.noarch.rpm") == true, "\(install)")
            #expect(try await repository.installed() == before)
            try await repository.add([.init(name: "t-make", version: "1-2")])
            try await repository.packages.install(["t-make"]).expectExit(0)
        }
    }

    /// The finding of an install has a code of its own, and says what helps.
    @Test func anInstallNamesTheFile() async throws {
        try await BuildPackagesTests.with { repository in
            let node = repository.node
            try await node.shell("rm /repo/make_*.deb")
            let install = try await node.agent("install")
            install.expectExit(1)
            #expect(install.errors.contains("package-file-missing: \(Self.gone)E: Failed to fetch "), "\(install)")
            let remedy = "→ Run 'gpu-agent install' again, which refreshes the index. If the finding stays, "
            #expect(install.errors.contains(remedy), "\(install)")
            #expect(try await node.status().reason == "package-file-missing")
        }
    }

    // A server that never answers

    private static let patient = ConditionTrait.enabled(if: InstallFault.isNightly, "takes a minute")

    @Test(patient) func aptNamesAMissingPackageWithinAMinute() async throws {
        try await SimulatedNode.with("h100", set: ["headers=no"]) { node in
            let repository = try await DebianRepository(node)
            let port = try await node.listenInSilence()
            // apt-get keeps the index that the host has when a refresh does not end.
            try await node.shell("apt-get -q update")
            try await node.shell("echo 'deb [trusted=yes] http://127.0.0.1:\(port)/ ./' >>/etc/apt/sources.list")
            try await Self.expectAnswer(repository.packages, missing: "linux-headers-9.9.9", good: "t-tool")
        }
    }

    @Test(patient, arguments: Program.allCases)
    func aMissingPackageHasItsNameWithinAMinute(_ program: Program) async throws {
        try await Self.with(program) { repository in
            let node = repository.node
            let address = "http://127.0.0.1:\(try await node.listenInSilence())/"
            if program == .zypper { try await node.shell(program.add, "a-good-one", "file:///repo") }
            // Its name comes after that of the good repository.
            try await node.shell(program.add, "z-silent", address)
            let headers = program == .dnf ? "kernel-devel-9.9.9" : "kernel-default-devel=9.9.9"
            try await Self.expectAnswer(repository.packages, missing: headers, good: "t-make")
        }
    }

    /// Expects the name of the missing package in time, and an install of the package that another repository has.
    private static func expectAnswer(_ packages: PackageNode, missing: String, good: String) async throws {
        let start = ContinuousClock.now
        let install = try await packages.install([missing, good], headers: missing)
        #expect(ContinuousClock.now - start < .seconds(60))
        install.expectExit(82)
        let text = "No repository has \(missing). The refresh of the package index failed: "
        #expect(install.error?.hasPrefix(text) == true, "\(install)")
        try await packages.install([good]).expectExit(0)
    }
}

extension SimulatedNode {
    /// Runs a script on the host, with its arguments.
    fileprivate func shell(_ script: String, _ arguments: String...) async throws {
        try await run(["sh", "-ec", script, "sh"] + arguments)
    }

    /// Serves `/repo` by HTTP, and returns the port.
    func serveRepository() async throws -> Int {
        try await startServer(
            """
            import http.server, os
            os.chdir("/repo")
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
            tell(server.server_address[1])
            server.serve_forever()
            """
        )
    }

    /// Accepts connections and never answers, and returns the port.
    fileprivate func listenInSilence() async throws -> Int {
        try await startServer(
            """
            import socket, time
            server = socket.create_server(("127.0.0.1", 0), backlog=64)
            tell(server.getsockname()[1])
            time.sleep(600)
            """
        )
    }

    private func startServer(_ server: String) async throws -> Int {
        let tell = "def tell(port):\n    import os\n    open('/run/port.new', 'w').write(str(port))\n"
        let program = tell + "    os.rename('/run/port.new', '/run/port')\n" + server
        try await shell(
            "python3 -c \"$1\" >/run/server.log 2>&1 &\n"
                + "for i in $(seq 400); do [ ! -e /run/port ] || exit 0; sleep 0.05; done; cat /run/server.log; exit 1",
            program
        )
        return try #require(Int(text("/run/port") ?? ""))
    }
}
