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

    @Test(arguments: ["", "status", "validate", "plan", "install", "facts", "labels", "catalog", "run", "version"])
    func helpsANewcomer(command: String) async throws {
        let arguments = command.isEmpty ? ["--help"] : [command, "--help"]
        let printed = try await agent(arguments)
        try expectGolden(printed.output, "Goldens/help\(command.isEmpty ? "" : "-")\(command).txt")
    }

    @Test(arguments: [
        ("azure", ["10de:2bb5", "1414:2187", "--platform", "azure"]),
        (
            "host-570",
            [
                "10de:2236", "10de:14bf", "--platform", "azure", "--host-driver", "570.158.01", "--kernel",
                "6.8.0-1044-azure", "--os", "Ubuntu 22.04",
            ]
        ),
        ("kernel", ["10de:2236", "10de:14bf", "--platform", "azure", "--kernel", "6.11.0-1018-azure"]),
        ("unknown", ["10de:ffff"]),
        ("swapped", ["1414:2187", "10DE:2BB5", "--platform", "azure", "--kernel", "6.8.0-1044-azure"]),
        ("one-word", ["10de:2bb5/10de:204e", "--os", "Ubuntu 22.04"]),
        ("no-kernel", ["10de:2bb5", "--kernel", "azure"]),
        ("no-system", ["10de:2bb5", "--os", "ubuntu 22.04 lts"]), ("no-id", ["10de:2bb5", "2187"]),
        ("three-ids", ["10de:2bb5/1414:2187", "10de:2bb5"]),
        ("no-platform", ["10de:2bb5", "1414:2187", "--platform", "oracle"]),
    ])
    func explainsAChoice(name: String, arguments: [String]) async throws {
        let printed = try await agent(
            ["catalog", "explain"] + arguments + ["--catalog-directory", fixture("Goldens/catalog")]
        )
        try expectGolden(printed.output + "\(printed.code)\n", "Goldens/catalog-explain-\(name).txt")
    }

    @Test(arguments: [
        ("validate", ["validate"]), ("validate-strict", ["validate", "--strict", "--catalog", "overlay.yaml"]),
        ("validate-wrong", ["validate", "--catalog", "wrong.yaml"]), ("diff", ["diff", "--catalog", "overlay.yaml"]),
        ("list", ["list"]), ("list-types", ["list", "vgpu-types"]), ("show", ["show", "dc-4-96q"]),
        ("show-driver", ["show", "grid-azure-570.211.01-x86_64"]), ("list-platforms", ["list", "platforms"]),
        ("show-nothing", ["show", "voodoo"]),
    ])
    func looksIntoTheCatalog(name: String, arguments: [String]) async throws {
        let files = fixture("Goldens")
        let given = arguments.map { $0.hasSuffix(".yaml") ? "\(files)/\($0)" : $0 }
        let printed = try await agent(["catalog"] + given + ["--catalog-directory", "\(files)/catalog"])
        let text = printed.output.replacing(files, with: "…")
        try expectGolden(text + "\(printed.code)\n", "Goldens/catalog-\(name).txt")
    }
}
