import FoundationEssentials
import Subprocess
import SystemPackage
import TestSupport
import Testing

/// The agent says why it cannot go on when it may open only a few files, and does not crash.
@Suite struct DescriptorLimitTests {
    private static let agent = URL(
        filePath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    ).deletingLastPathComponent().appending(path: "gpu-agent").path

    // At 8, the catalog cannot be opened. With a few more, the commands on the host cannot get their pipes.
    @Test(arguments: [8, 9, 10, 11, 12, 13, 14, 16, 20, 32])
    func statusDoesNotCrash(limit: Int) async throws {
        let script = "ulimit -n \(limit); \"$0\" status --host-pid $$ --catalog-directory \"$1\""
        let result = try await run(
            .path("/bin/sh"),
            arguments: ["-c", script, Self.agent, fixture("../../catalog")],
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        let said = result.standardOutput + result.standardError
        guard case .exited(let code) = result.terminationStatus, [0, 2, 5].contains(code) else {
            Issue.record("\(result.terminationStatus) with \(limit) files: \(said)")
            return
        }
        #expect(code == 0 || said.contains("Too many open files"), "\(said)")
    }
}
