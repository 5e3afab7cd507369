import FoundationEssentials
import Subprocess
import SystemPackage
import TestSupport
import Testing

/// The agent says that it may open too few files, and does not crash.
@Suite struct DescriptorLimitTests {
    private static let agent = URL(
        filePath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    ).deletingLastPathComponent().appending(path: "gpu-agent").path

    // libdispatch ends a process that cannot open a file while it counts the threads.
    @Test(arguments: [8, 32, 127])
    func aSmallLimitIsAnError(limit: Int) async throws {
        let (status, said) = try await status("ulimit -n \(limit)")
        #expect(status == .exited(5))
        #expect(said.contains("this process may open only \(limit) files, and the agent needs 128"), "\(said)")
        #expect(said.contains("ulimit -n 128"))
    }

    @Test(arguments: ["ulimit -n 128", "ulimit -Sn 8"])
    func theNeededLimitIsEnough(limit: String) async throws {
        let (status, said) = try await status(limit)
        #expect(status == .exited(0), "\(said)")
    }

    /// Runs `status` with a limit that a shell sets.
    private func status(_ limit: String) async throws -> (TerminationStatus, String) {
        let script = "\(limit) && \"$0\" status --host-pid $$ --catalog-directory \"$1\""
        let result = try await run(
            .path("/bin/sh"),
            arguments: ["-c", script, Self.agent, fixture("../../catalog")],
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        return (result.terminationStatus, result.standardOutput + result.standardError)
    }
}
