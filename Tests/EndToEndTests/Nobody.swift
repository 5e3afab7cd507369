import FoundationEssentials
import Glibc
import TestSupport

/// A user without rights, with a copy of the agent and its catalog in a public directory.
///
/// Other users may not be able to open the build directory.
struct Nobody: Sendable {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        chmod(directory.path, 0o755)
        // A second name costs nothing; a copy is for a build on another file system.
        if link(Programs.agent, directory.path("gpu-agent")) != 0 {
            try FileManager.default.copyItem(atPath: Programs.agent, toPath: directory.path("gpu-agent"))
        }
        try FileManager.default.copyItem(atPath: Programs.catalog, toPath: directory.path("catalog"))
    }

    /// Runs a command of the agent as this user.
    func agent(_ command: String, _ arguments: [String]) async throws -> Finished {
        let user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
        return try await runProgram(user + [directory.path("gpu-agent"), command] + arguments)
    }

    /// The options that name the catalogs, as `SimulatedNode.choice` does.
    func choice(on node: SimulatedNode) -> [String] {
        ["--catalog-directory", directory.path("catalog"), "--catalog", node.directory.path("catalog.yaml")]
    }
}
