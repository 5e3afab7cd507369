import FoundationEssentials
import Subprocess
import SystemPackage

/// A certificate authority, and a server certificate for 127.0.0.1, ::1 and localhost.
package final class TestCertificates: Sendable {
    /// The script `make-certificates` failed.
    package struct Failure: Error {
        package var output: String
    }

    private let directory: TemporaryDirectory

    package var authorityFile: String { directory.path("ca.crt") }
    package var certificateFile: String { directory.path("server.crt") }
    package var privateKeyFile: String { directory.path("server.key") }

    private init(_ directory: TemporaryDirectory) { self.directory = directory }

    /// Creates new certificates with the script that the demo also uses.
    package static func make() async throws -> TestCertificates {
        let directory = try TemporaryDirectory()
        let script = fixture("../../simulator/bin/make-certificates")
        let result = try await run(
            .path(FilePath(script)),
            arguments: [directory.path],
            output: .discarded,
            error: .string(limit: 64 << 10)
        )
        guard result.terminationStatus.isSuccess else { throw Failure(output: result.standardError) }
        return TestCertificates(directory)
    }

    /// The certificates for all tests of a run.
    ///
    /// Creating them takes longer than most tests.
    package static var shared: TestCertificates {
        get async throws { try await once.value }
    }

    private static let once = Task { try await make() }
}
