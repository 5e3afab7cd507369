import Subprocess
import SystemPackage

/// The Python packages of the project's Python programs, such as the evaluator of the admission policy.
package enum PythonPackages {
    /// The script could not install the packages.
    package struct Missing: Error, CustomStringConvertible {
        package var description: String
    }

    /// The path of a Python that has the packages.
    ///
    /// The script installs them once per build directory.
    package static var python: String {
        get async throws { try await once.value }
    }

    private static let once = Task {
        let script = fixture("../../scripts/python-packages")
        let result = try await run(
            .path(FilePath(script)),
            output: .string(limit: 4096),
            error: .string(limit: 64 << 10)
        )
        let path = result.standardOutput.split(separator: "\n").last.map(String.init)
        guard result.terminationStatus.isSuccess, let path else {
            throw Missing(description: "scripts/python-packages failed: \(result.standardError.suffix(300))")
        }
        return path
    }
}
