import FoundationEssentials
import HostSupport
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

    /// Answers that another request does not change end the install at once, each with its own code.
    @Test func anAnswerThatStaysEndsTheInstallAtOnce() async throws {
        let name = "NVIDIA-Linux-x86_64-595.91.07-grid-azure.run"
        let answers: [(FileServer.Answer, String)] = [
            (.status(403), "download-forbidden"), (.status(404), "download-not-found"),
            (.webPage, "download-web-page"),
        ]
        try await SimulatedNode.with { node in
            let catalog = try node.directory.text("catalog.yaml")
            let port = try node.directory.text("port").filter { !$0.isNewline }
            let package = [UInt8](try Data(contentsOf: URL(filePath: node.directory.path("packages/\(name)"))))
            for (answer, code) in answers {
                let repeated = Array(repeating: answer, count: 8)
                try await FileServer.serving(package, answers: repeated) { server in
                    let address = server.url.replacing("/file", with: "")
                    let changed = catalog.replacing("http://127.0.0.1:\(port)", with: address)
                    try node.directory.write("catalog.yaml", changed)
                    let began = ContinuousClock.now
                    let install = try await node.agent("install")
                    install.expectExit(1)
                    #expect(install.errors.contains("\(code): "), "\(install)")
                    #expect(ContinuousClock.now - began < .seconds(30))
                    #expect(server.questions.map(\.path) == ["/\(name)"])
                }
                #expect(try await node.status().reason == code)
                #expect(try await node.run(["find", HostLayout.packages, "-type", "f"]) == "")
                #expect(try node.journal().steps.map(\.step) == [.begin, .download])
            }
            try node.directory.write("catalog.yaml", catalog)
            try await node.agent("install").expectExit(0)
            #expect(try await node.status().verdict == "ready")
        }
    }

    private func sha256(_ file: String) async throws -> String {
        let said = try await succeed(["sha256sum", file]).output
        return String(try #require(said.split(separator: " ").first))
    }
}
