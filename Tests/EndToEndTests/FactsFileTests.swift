import TestSupport
import Testing

/// Facts of a node in a file, from which anybody decides the same as the agent on the node.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct FactsFileTests {
    @Test(
        .enabled("the build directory is closed to other users") { await Nobody.canRunTheAgent() },
        arguments: ["rtx-pro-6000", "h100", "no-gpu", "unknown-gpu"]
    )
    func decidesTheSameFromAFile(_ scenario: String) async throws {
        try await SimulatedNode.with(scenario) { node in
            try await compare(on: node)
            if scenario == "rtx-pro-6000" {
                try await node.agent("install").expectExit(0)
                try await compare(on: node)
            }
        }
    }

    /// Compares the whole plans; `labels` and `validate` come from the same facts too.
    private func compare(on node: SimulatedNode) async throws {
        let onNode = try await node.agent("plan", ["-o", "json"])
        #expect(onNode.errors == "")
        for format in ["json", "yaml"] {
            let facts = try await node.agent("facts", ["-o", format])
            facts.expectExit(0)
            try node.directory.write("facts.\(format)", facts.output)
            let source = ["--facts", node.directory.path("facts.\(format)")]
            let elsewhere = try await Nobody.run([Programs.agent, "plan"] + source + node.choice + ["-o", "json"])
            #expect(elsewhere.errors == "")
            #expect(elsewhere.status == onNode.status)
            #expect(elsewhere.output == onNode.output)
        }
        let labels = try await node.agent("labels", ["-o", "json"])
        let source = ["--facts", node.directory.path("facts.json")]
        let elsewhere = try await Nobody.run([Programs.agent, "labels"] + source + node.choice + ["-o", "json"])
        #expect(elsewhere.output == labels.output)
    }
}

/// A user without any rights.
enum Nobody {
    static func run(_ command: [String]) async throws -> Finished {
        try await runProgram(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"] + command)
    }

    /// Whether the way to the build's products is open to everybody.
    static func canRunTheAgent() async -> Bool {
        (try? await run([Programs.agent, "version"]))?.exitCode == 0
    }
}
