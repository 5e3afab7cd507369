import Agent
import FoundationEssentials
import GPUNode
import Subprocess
import SystemPackage
import TestSupport
import Testing

/// What people read: the real program's text, from the facts of known nodes, against goldens.
@Suite struct PrintedTextTests {
    private static let products = URL(
        filePath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    ).deletingLastPathComponent().path

    private func agent(_ arguments: [String]) async throws -> (output: String, code: TerminationStatus) {
        let result = try await run(
            .path(FilePath("\(Self.products)/gpu-agent")),
            arguments: Arguments(arguments),
            environment: .inherit.updating(["COLUMNS": "100"]),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        return (result.standardOutput + result.standardError, result.terminationStatus)
    }

    static let nodes: [(name: String, facts: NodeFacts)] = [
        ("rtx-pro-6000", .rtxProVGPU), ("rtx-pro-6000-ready", .rtxProReady), ("h100", .h100),
        ("h100-ready", .h100Ready), ("no-gpu", .noGPU), ("unknown-gpu", .unknownGPU), ("in-the-way", inTheWay),
    ]

    /// A fresh node that cannot take a driver, for three reasons.
    private static let inTheWay = NodeFacts.rtxProVGPU.with { facts in
        facts.host.secureBoot = .present(true)
        facts.build.compiler = .absent
        facts.build.headersRelease = .present("5.15.0-1080-azure")
    }

    @Test(arguments: ["plan", "status", "validate", "labels"], nodes.map(\.name))
    func showsANode(command: String, name: String) async throws {
        let facts = try #require(Self.nodes.first { $0.name == name }?.facts)
        let directory = try TemporaryDirectory()
        try directory.write("facts.json", try Rendering.json(facts))
        let printed = try await agent(
            [command, "--facts", directory.path("facts.json"), "--catalog-directory", fixture("../../catalog")]
        )
        try expectGolden(printed.output + "\(printed.code)\n", "Goldens/\(command)-\(name).txt")
    }

    @Test(arguments: ["", "status", "validate", "plan", "install", "facts", "labels", "run", "version"])
    func helpsANewcomer(command: String) async throws {
        let arguments = command.isEmpty ? ["--help"] : [command, "--help"]
        let printed = try await agent(arguments)
        try expectGolden(printed.output, "Goldens/help\(command.isEmpty ? "" : "-")\(command).txt")
    }
}
