import TestSupport
import Testing

/// With the facts of a node in a file, any machine makes the same decision as the agent on the node.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct FactsFileTests {
    @Test(arguments: ["rtx-pro-6000", "h100", "no-gpu", "unknown-gpu"])
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
        let nobody = try Nobody()
        let onNode = try await node.agent("plan", ["-o", "json"])
        #expect(onNode.errors == "")
        for format in ["json", "yaml"] {
            let facts = try await node.agent("facts", ["-o", format])
            facts.expectExit(0)
            try node.directory.write("facts.\(format)", facts.output)
            let source = ["--facts", node.directory.path("facts.\(format)")]
            let elsewhere = try await nobody.agent("plan", source + nobody.choice(on: node) + ["-o", "json"])
            #expect(elsewhere.errors == "")
            #expect(elsewhere.status == onNode.status)
            #expect(elsewhere.output == onNode.output)
        }
        let labels = try await node.agent("labels", ["-o", "json"])
        let source = ["--facts", node.directory.path("facts.json")]
        let elsewhere = try await nobody.agent("labels", source + nobody.choice(on: node) + ["-o", "json"])
        #expect(elsewhere.output == labels.output)
    }
}
