import FoundationEssentials
import NodeModel
import TestSupport
import Testing

/// Downloads of a package that differs from the one in the catalog.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct DownloadTests {
    @Test func refusesATamperedPackage() async throws {
        let name = "NVIDIA-Linux-x86_64-595.91.07-grid-azure.run"
        try await SimulatedNode.with { node in
            let served = URL(filePath: node.directory.path("packages/\(name)"))
            var bytes = try Data(contentsOf: served)
            let expected = try await sha256(served.path)
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: served)
            let actual = try await sha256(served.path)
            #expect(actual != expected)

            let install = try await node.agent("install")
            install.expectExit(1)
            #expect(install.errors.contains("download-hash-mismatch: \(name)"))
            #expect(install.errors.contains(actual))
            #expect(install.errors.contains(expected))
            #expect(try await node.run(["find", HostLayout.packages, "-type", "f"]) == "")
            let journal = try node.journal()
            #expect(journal.steps.map(\.step) == [.begin, .download])
            #expect(journal.steps.last?.state == .failed)
            #expect(!node.exists("/usr/bin/nvidia-smi"))
            #expect(node.processes() == [])

            let status = try await node.status()
            #expect(status.verdict == "not-ready")
            #expect(status.reason == "download-hash-mismatch")
            let finding = try #require(status.findings.first)
            #expect(finding.code == "download-hash-mismatch")
            #expect(finding.state == "failed")
            #expect(finding.observed.contains(actual))
            #expect(finding.expected.contains(expected))
            #expect(finding.remedy.contains("Do not install this file"))
            #expect(status.nextAction == finding.remedy)
            #expect(status.lastInstall.map(\.state) == ["done", "failed"])
        }
    }

    private func sha256(_ file: String) async throws -> String {
        let said = try await succeed(["sha256sum", file]).output
        return String(try #require(said.split(separator: " ").first))
    }
}
