import FoundationEssentials
import Glibc
import NodeModel
import TestSupport
import Testing

/// Installs from a directory of the host, without a network.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct OfflineTests {
    private static let name = "NVIDIA-Linux-x86_64-595.91.07-grid-azure.run"
    /// The other package that the agent can choose for the node.
    private static let older = "NVIDIA-Linux-x86_64-580.105.08-grid-azure.run"
    /// The directory on the host.
    private static let bundle = "/srv/gpu drivers"

    /// Runs a command of the agent in a network namespace that has no network.
    ///
    /// - Returns: The result, and how many times something in the namespace tried to send: the kernel counts each
    ///   packet without a route, also those of name lookups.
    private func withoutNetwork(
        _ node: SimulatedNode,
        _ arguments: [String],
        limit: Int = 120
    ) async throws -> (Finished, attempts: Int) {
        let script = """
            timeout "$LIMIT" "$@"
            status=$?
            cat /proc/net/snmp >"$COUNTERS"
            cat /proc/net/snmp6 >"$COUNTERS.6"
            exit $status
            """
        let counters = node.directory.path("counters")
        let finished = try await runProgram(
            ["unshare", "--net", "sh", "-c", script, "sh", Programs.agent] + arguments,
            environment: ["COUNTERS": counters, "LIMIT": "\(limit)"]
        )
        let tables = try Self.table(node.directory.text("counters"))
        let modern = try node.directory.text("counters.6").split(separator: "\n").map { line in
            line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
        }
        let names = ["Ip OutNoRoutes", "Ip OutRequests", "Tcp ActiveOpens"]
        let newNames = ["Ip6OutNoRoutes", "Ip6OutRequests"]
        let old = try names.map { try #require(tables[$0], "the kernel does not count \($0)") }
        let new = modern.filter { newNames.contains($0[0]) }.compactMap { Int($0[1]) }
        #expect(new.count == newNames.count)
        return (finished, (old + new).reduce(0, +))
    }

    /// The counters of `/proc/net/snmp`, which has a line of names and a line of numbers for each protocol.
    private static func table(_ text: String) throws -> [String: Int] {
        let lines = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        var table: [String: Int] = [:]
        for (names, numbers) in zip(lines, lines.dropFirst()) where names[0] == numbers[0] {
            for (name, number) in zip(names, numbers).dropFirst() {
                table["\(names[0].dropLast()) \(name)"] = Int(number)
            }
        }
        return table
    }

    private func mirror(_ node: SimulatedNode, to directory: String, _ options: [String] = []) -> [String] {
        ["catalog", "mirror", "--to", directory, "--host-pid", "\(node.pid)"] + node.choice + options
    }

    @Test func installsWithoutALookupOrAConnection() async throws {
        try await SimulatedNode.with { node in
            let bundle = node.path(Self.bundle)
            let mirrored = try await runProgram([Programs.agent] + mirror(node, to: bundle))
            mirrored.expectExit(0)
            #expect(mirrored.errors.contains("[1/2] \(Self.name)") && mirrored.errors.contains("checksum verified"))
            #expect(mirrored.output.contains("source: file:///"))
            let requests = try node.requests().count
            #expect(requests == 2)
            // A second run verifies the package and downloads nothing.
            let again = try await runProgram([Programs.agent] + mirror(node, to: bundle, ["-o", "json"]))
            again.expectExit(0)
            #expect(again.errors.contains("already there") && again.output == node.text("\(Self.bundle)/index.json"))
            #expect(try node.requests().count == requests)

            // From here on, the catalog names a server that nobody can look up.
            let address = "http://127.0.0.1:\(try node.directory.text("port").filter { !$0.isNewline })"
            let catalog = try node.directory.text("catalog.yaml").replacing(address, with: "http://mirror.invalid")
            try node.directory.write("catalog.yaml", catalog)
            let config = "apiVersion: gpu-agent/v1\nkind: AgentConfig\ndriver: {source: 'file:///srv/gpu%20drivers'}\n"
            try node.directory.write("config.yaml", config)
            let options = node.choice + ["--host-pid", "\(node.pid)", "--config", node.directory.path("config.yaml")]

            // The counters would show a lookup.
            let (_, lookups) = try await withoutNetwork(node, mirror(node, to: node.directory.path("no")), limit: 3)
            #expect(lookups > 0)

            let (plan, _) = try await withoutNetwork(node, ["plan"] + options)
            #expect(plan.output.contains("copy \(Self.name) from \(Self.bundle)"))
            let (install, attempts) = try await withoutNetwork(node, ["install"] + options)
            install.expectExit(0)
            #expect(attempts == 0)
            #expect(try await node.status().verdict == "ready")
            #expect(try node.requests().count == requests)
            #expect(try node.journal().steps.map(\.step) == [.begin, .copy, .install, .load, .verify, .finish])
            #expect(try await node.keptPackages() == [Self.name])
            #expect(try await node.run(["ls", Self.bundle]) == "\(Self.older)\n\(Self.name)\nindex.json\n")
        }
    }

    /// Puts the package of the node into a directory of the host, and names it in a configuration.
    ///
    /// - Returns: The options for the agent.
    private func prepare(_ node: SimulatedNode) async throws -> [String] {
        let config = "apiVersion: gpu-agent/v1\nkind: AgentConfig\ndriver: {source: 'file:///srv/drivers'}\n"
        try node.directory.write("config.yaml", config)
        try await node.run(["mkdir", "-p", "/srv/drivers"])
        let served = URL(filePath: node.directory.path("packages/\(Self.name)"))
        try Data(contentsOf: served).write(to: URL(filePath: node.path("/srv/drivers/\(Self.name)")))
        return ["--config", node.directory.path("config.yaml")]
    }

    /// The agent is killed when the journal says that the copy began, and when the copy ended without the journal
    /// saying so.
    @Test(arguments: [KillPoint(write: 2, side: .after), KillPoint(write: 3, side: .before)])
    func goesOnAfterAKillAroundTheCopy(_ point: KillPoint) async throws {
        let shim = try await KillShim.shared()
        try await SimulatedNode.with { node in
            let options = try await prepare(node)
            let killed = try await node.agent("install", options, environment: shim.killing(at: point))
            #expect(killed.wasKilled, "\(killed)")
            #expect(try node.journal().steps.last?.step == .copy)
            try await node.agent("install", options).expectExit(0)
            #expect(try await node.status().verdict == "ready")
            #expect(try node.journal().steps.allSatisfy { $0.state == .done })
            #expect(try await node.keptPackages() == [Self.name])
            #expect(try node.requests().isEmpty)
        }
    }

    /// The network goes away during a download, and the operator brings the package.
    @Test func aDirectoryEndsAnInterruptedDownload() async throws {
        try await SimulatedNode.with(server: ["--fault", "cut=1000"]) { node in
            let partial = "\(HostLayout.packages)/\(Self.name).partial"
            let killed = try await node.agent("install") { agent in
                try await until("a part of the package is there") { node.exists(partial) }
                kill(agent, SIGKILL)
            }
            #expect(killed.wasKilled, "\(killed)")
            try await node.agent("install", try await prepare(node)).expectExit(0)
            #expect(try await node.status().verdict == "ready")
            #expect(try node.journal().steps.allSatisfy { $0.state == .done })
            #expect(try await node.keptPackages() == [Self.name])
        }
    }

    @Test func saysWhatIsWrongWithTheDirectory() async throws {
        try await SimulatedNode.with { node in
            let config = "apiVersion: gpu-agent/v1\nkind: AgentConfig\ndriver: {source: 'file:///srv/drivers'}\n"
            try node.directory.write("config.yaml", config)
            let file = "/srv/drivers/\(Self.name)"
            let served = URL(filePath: node.directory.path("packages/\(Self.name)"))

            func expectFailure(_ code: String) async throws {
                let began = ContinuousClock.now
                let install = try await node.agent("install", ["--config", node.directory.path("config.yaml")])
                install.expectExit(1)
                #expect(install.errors.contains("\(code): "), "\(install)")
                #expect(ContinuousClock.now - began < .seconds(60))
                #expect(try await node.run(["find", HostLayout.packages, "-type", "f"]) == "")
                #expect(try node.journal().steps.map(\.step) == [.begin, .copy])
                #expect(try await node.status().reason == code)
                #expect(!node.exists("/usr/bin/nvidia-smi"))
            }

            try await expectFailure("source-unreadable")
            try await node.run(["mkdir", "-p", "/srv/drivers"])
            try await expectFailure("source-package-missing")
            var bytes = try Data(contentsOf: served)
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(filePath: node.path(file)))
            try await expectFailure("source-package-mismatch")
            try Data(contentsOf: served).write(to: URL(filePath: node.path(file)))
            let install = try await node.agent("install", ["--config", node.directory.path("config.yaml")])
            install.expectExit(0)
            #expect(try await node.status().verdict == "ready")
            #expect(try node.requests().isEmpty)
        }
    }
}

extension SimulatedNode {
    /// The names of the packages on the host, of which the one of the installed driver stays.
    fileprivate func keptPackages() async throws -> [String] {
        try await run(["ls", HostLayout.packages]).split(separator: "\n").map(String.init)
    }
}
