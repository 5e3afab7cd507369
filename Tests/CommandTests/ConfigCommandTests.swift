import Agent
import FoundationEssentials
import NodeModel
import Subprocess
import SystemPackage
import TestSupport
import Testing

/// What the real program prints about a configuration with pools.
@Suite struct ConfigCommandTests {
    private static let products = URL(
        filePath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    ).deletingLastPathComponent().path

    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write(
            "config.yaml",
            """
            apiVersion: gpu-agent/v1
            kind: AgentConfig
            pools:
              - name: grid
                nodeSelector: {matchLabels: {pool: grid}}
                settings: {driver: {branch: 595}}
              - name: alone
                nodeSelector: {matchLabels: {left: alone}}
                settings: {mode: observe}
            """
        )
    }

    private func agent(_ arguments: [String]) async throws -> (text: String, code: TerminationStatus) {
        let result = try await run(
            .path(FilePath("\(Self.products)/gpu-agent")),
            arguments: Arguments(arguments + ["--config", directory.path("config.yaml")]),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        let text = result.standardOutput + result.standardError
        return (text.replacing(directory.path + "/", with: ""), result.terminationStatus)
    }

    /// The labels, a part of what is printed, and the exit code.
    @Test(arguments: [
        ("pool=grid,zone=a", "The settings of the pool grid apply (labels: --labels).", 0),
        ("pool=grid", "pool grid, config.yaml:6", 0),
        ("", "No pool matches, so the settings of the top level apply", 0),
        (
            "pool=grid,left=alone", "pool-conflict: The pools 'grid' (config.yaml:4:11) and 'alone' (config.yaml:7:11)",
            1
        ),
    ])
    func explainsTheSettings(_ labels: String, _ part: String, _ code: Int32) async throws {
        let printed = try await agent(["config", "explain", "--labels", labels])
        #expect(printed.text.contains(part), "\(printed.text)")
        #expect(printed.code == .exited(code))
    }

    @Test(arguments: [
        (["config", "explain", "--labels", "pool"], "The value 'pool' is invalid for '--labels <labels>'"),
        (["config", "explain", "--labels", "a=1,a=2"], "is invalid for '--labels <labels>'"),
        (["config", "explain", "--labels", "a=1", "--node", "n"], "use --labels or --node, not both"),
    ])
    func refusesWrongLabels(_ arguments: [String], _ message: String) async throws {
        let printed = try await agent(arguments)
        #expect(printed.text.contains(message), "\(printed.text)")
        #expect(printed.code == .exited(2))
    }

    /// On a host on which no daemon has read the Node, nobody guesses.
    @Test func waitsForTheLabels() async throws {
        let host = ["--host-root", directory.path(""), "--host-pid", "none"]
        let explained = try await agent(["config", "explain"] + host)
        #expect(explained.text.contains("pool-unknown: "), "\(explained.text)")
        #expect(explained.code == .exited(1))
        try directory.write(
            "run/gpu-agent/published.json",
            #"{"node":"n","labels":{},"selectedLabels":{"keys":["left","pool"],"labels":{"pool":"grid"}}}"#
        )
        let known = try await agent(["config", "explain"] + host)
        #expect(known.text.contains("The settings of the pool grid apply (labels: the daemon on this node)."))
        #expect(known.code == .exited(0))
    }

    @Test(arguments: [
        ([], "The configuration has pools, and the agent does not know", 3),
        (["--labels", "pool=grid"], "driver-missing", 1),
    ])
    func validateWaitsForThePool(_ labels: [String], _ part: String, _ code: Int32) async throws {
        try directory.write("facts.json", try Rendering.json(NodeFacts.h100))
        let catalog = ["--catalog-directory", fixture("../../catalog")]
        let printed = try await agent(["validate", "--facts", directory.path("facts.json")] + catalog + labels)
        #expect(printed.text.contains(part), "\(printed.text)")
        #expect(printed.code == .exited(code))
    }

    @Test func checksTheWholeFile() async throws {
        let catalog = ["--catalog-directory", fixture("../../catalog")]
        let printed = try await agent(["config", "check"] + catalog)
        let note =
            "The pools 'grid' (config.yaml:4:11) and 'alone' (config.yaml:7:11) both match a Node with the labels "
        #expect(printed.text.contains(note + "left=alone,pool=grid."), "\(printed.text)")
        #expect(printed.text.contains("the configuration can be used: 2 pools"))
        #expect(printed.code == .exited(0))
        #expect(try await agent(["config", "check", "--strict"] + catalog).code == .exited(1))
    }
}
