import FoundationEssentials
import Glibc
import Host
import HostSupport
import NodeModel
import Support
import TestSupport
import Testing

@testable import Agent

/// Reads the license token from a file of the agent, and writes it to the host.
@Suite struct LicenseTokenTests {
    private static let marker = "MARKERtoken"
    private let files: TemporaryDirectory

    init() throws { files = try TemporaryDirectory() }

    @Test func knowsTheChecksumOnly() async throws {
        try files.write("..data/token.tok", "\(Self.marker).payload.signature\n")
        try files.link("token.tok", to: "..data/token.tok")
        let reading = await LicenseTokenFile.read(files.path("token.tok"))
        let digest = Checksum.sha256(of: Array("\(Self.marker).payload.signature\n".utf8))
        #expect(reading == .present(LicenseToken(file: files.path("token.tok"), digest: digest)))
        #expect(!"\(reading)".contains(Self.marker))
        #expect(await LicenseTokenFile.read(nil).whyUnknown == "no token is configured (license.tokenFile)")
    }

    @Test func saysWhyATokenCannotBeUsed() async throws {
        try files.write("empty", " \n\t\r\n")
        try files.write("large", Self.marker + String(repeating: "x", count: LicensePolicy.tokenLimit))
        try files.makeDirectory("directory")
        try #require(mkfifo(files.path("pipe"), 0o600) == 0)
        let cases = [
            ("missing", "does not exist"), ("empty", "is empty"), ("large", "is larger than 65536 bytes"),
            ("directory", "is not a regular file"), ("pipe", "is not a regular file"),
        ]
        for (name, why) in cases {
            let reading = await LicenseTokenFile.read(files.path(name))
            #expect(reading.failure?.detail == "\(files.path(name)) \(why)")
        }
    }

    @Test(.enabled(if: PrivateHost.isPossible, PrivateHost.reason))
    func onlyRootCanReadTheTokenOnTheHost() async throws {
        try files.write("token", Self.marker)
        let digest = Checksum.sha256(of: Array(Self.marker.utf8))
        let secret = Effect.Secret(source: files.path("token"), path: LicenseFiles.tokenPath, digest: digest)
        try await ScriptedHost.with { host in
            #expect(await failure(of: secret, on: host) == nil)
            let path = host.tree.path(String(LicenseFiles.tokenPath.dropFirst()))
            let parent = host.tree.path(String(LicenseFiles.tokenDirectory.dropFirst()))
            #expect(try host.tree.text(String(LicenseFiles.tokenPath.dropFirst())) == Self.marker)
            #expect(try mode(path) == 0o600)
            #expect(try mode(parent) == 0o700)
            #expect(try mode(host.tree.path("etc/nvidia")) == 0o755)
            // A directory that exists keeps its mode.
            try #require(chmod(parent, 0o744) == 0)
            #expect(await failure(of: secret, on: host) == nil)
            #expect(try mode(parent) == 0o744)

            // The token has changed since the plan: the next plan has the new checksum.
            try files.write("token", "\(Self.marker)2")
            let changed = try #require(await failure(of: secret, on: host))
            #expect(changed.problem.code == .licenseTokenUnusable)
            #expect(changed.problem.observed.hasSuffix("has changed since the agent made the plan."))
            #expect(!"\(changed)".contains(Self.marker))
            #expect(try host.tree.text(String(LicenseFiles.tokenPath.dropFirst())) == Self.marker)
            try files.write("token", "")
            #expect(await failure(of: secret, on: host)?.problem.observed.hasSuffix("token is empty.") == true)
        }
    }

    private func mode(_ path: String) throws -> mode_t {
        var status = stat()
        try #require(stat(path, &status) == 0)
        return status.st_mode & 0o7777
    }

    private func failure(of secret: Effect.Secret, on host: ScriptedHost) async -> AgentFailure? {
        let executor = Executor(
            root: host.inspector.prober.root,
            commands: host.commands,
            downloader: Downloader(),
            progress: { _ in },
            verify: { _ in nil }
        )
        let step = PlannedStep(
            id: .license,
            title: "write the token",
            changes: "the token",
            deadlineSeconds: 30,
            effects: [.writeSecret(secret)],
            failure: StepFailure(.licenseDaemonNotRunning, subject: "setting up the license")
        )
        var journal = Journal()
        do throws(AgentFailure) { try await executor.execute(step, &journal) } catch { return error }
        return nil
    }
}
