import Agent
import FoundationEssentials
import NodeModel
import Subprocess
import SystemPackage
import TestSupport
import Testing

/// What `catalog mirror` says before it downloads anything.
@Suite struct MirrorCommandTests {
    private static let products = URL(
        filePath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    ).deletingLastPathComponent().path

    private func mirror(_ arguments: [String]) async throws -> (text: String, code: TerminationStatus) {
        let catalog = ["--catalog-directory", fixture("../../catalog")]
        let result = try await run(
            .path(FilePath("\(Self.products)/gpu-agent")),
            arguments: Arguments(["catalog", "mirror", "--to", "/no/such/place"] + catalog + arguments),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        return (result.standardOutput + result.standardError, result.terminationStatus)
    }

    @Test(arguments: [
        ("595.71.06", "no driver in the catalog matches '595.71.06'; did you mean '595.71.05'?"),
        ("595.71.05/grid", "no driver in the catalog matches '595.71.05/grid'"),
        ("datacenter-595.71.05-x86_65", "; did you mean 'datacenter-595.71.05-x86_64'?"),
    ])
    func namesTheDriverThatWasMeant(_ name: String, _ message: String) async throws {
        let printed = try await mirror(["--driver", name])
        #expect(printed.text.hasPrefix("gpu-agent: ") && printed.text.contains(message), "\(printed.text)")
        #expect(printed.code == .exited(2))
    }

    private static let nodes: [(facts: NodeFacts, message: String)] = [
        (.noGPU, "there is no driver to download: no NVIDIA GPU on the PCI bus\n  → Name drivers with --driver"),
        (.unknownGPU, "unknown-gpu: "),
    ]

    @Test(arguments: nodes.indices)
    func saysWhyANodeHasNoDriver(_ index: Int) async throws {
        let directory = try TemporaryDirectory()
        try directory.write("facts.json", try Rendering.json(Self.nodes[index].facts))
        let printed = try await mirror(["--facts", directory.path("facts.json")])
        #expect(printed.text.contains(Self.nodes[index].message), "\(printed.text)")
        #expect(printed.code == .exited(1))
    }

    /// Each form gets as far as the directory, which cannot be created.
    @Test(arguments: ["595.71.05", "595.71.05/datacenter", "datacenter-595.71.05-x86_64"])
    func takesEachFormOfADriver(_ name: String) async throws {
        let file = try TemporaryDirectory()
        try file.write("file", "")
        let printed = try await mirror(["--driver", name, "--to", file.path("file/below")])
        #expect(printed.text.contains("download-failed: cannot open "), "\(printed.text)")
        #expect(printed.code == .exited(1))
    }
}
