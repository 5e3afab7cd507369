import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage
import TestSupport
import Testing

/// What `validate` and `wait` print and return on every exit.
@Suite struct ValidateCommandTests {
    private struct Printed {
        var output: String
        var errors: String
        var status: TerminationStatus
    }

    private static let agent = URL(
        filePath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    ).deletingLastPathComponent().appending(path: "gpu-agent").path

    /// Runs the program; with a pause, SIGTERM ends it after that.
    private func agent(_ arguments: [String], terminatedAfter pause: Duration? = nil) async throws -> Printed {
        let result = try await run(
            .path(FilePath(Self.agent)),
            arguments: Arguments(arguments),
            input: .none,
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        ) { execution in
            guard let pause else { return }
            try await Task.sleep(for: pause)
            kill(execution.processIdentifier.value, SIGTERM)
        }
        return Printed(
            output: result.standardOutput,
            errors: result.standardError,
            status: result.terminationStatus
        )
    }

    private static let catalog = ["--catalog-directory", fixture("../../catalog")]

    /// An empty tree: the agent cannot tell the state, so `--wait` waits.
    private func emptyHost(_ tree: TemporaryDirectory) -> [String] {
        ["--host-pid", "none", "--host-root", tree.path] + Self.catalog
    }

    @Test func namesEveryMistakeOfItsOptionsAtOnce() async throws {
        let printed = try await agent(["validate", "--expect", "kind=gird,gpu=8", "--skip", "licence"])
        #expect(printed.status == .exited(2) && printed.output == "")
        for text in ["'kind=gird'", "did you mean 'gpus'?", "did you mean 'license'?"] {
            #expect(printed.errors.contains(text), "\(printed.errors)")
        }
    }

    @Test(arguments: [
        ["--level", "2", "--checks", "vulkan"], ["--interval", "0s"], ["--level", "4"], ["--fail-on", "notice"],
        ["-o", "xml"], ["--report", "/missing/report"], ["--report", "/dev/stdout"],
    ])
    func refusesWrongOptions(_ options: [String]) async throws {
        let printed = try await agent(["validate"] + options + Self.catalog)
        #expect(printed.status == .exited(2) && printed.output == "", "\(printed)")
    }

    private static let formats = [
        ("json", "{"), ("yaml", "apiVersion: "), ("junit", "<?xml "), ("tap", "TAP version 14\n"),
        ("github", "::error "),
    ]

    @Test(arguments: formats)
    func hasADocumentWhenTheHostCannotBeReached(_ format: String, _ start: String) async throws {
        let tree = try TemporaryDirectory()
        let options = ["--host-pid", "none", "--host-root", "/missing", "--report", tree.path("report")] + Self.catalog
        let printed = try await agent(["validate", "-o", format] + options)
        #expect(printed.status == .exited(5))
        #expect(printed.output.hasPrefix(start) && printed.output.contains("host-unreachable"), "\(printed)")
        #expect(try String(contentsOfFile: tree.path("report"), encoding: .utf8) == printed.output)
    }

    @Test(arguments: formats)
    func hasADocumentWhenTheConfigurationIsInvalid(_ format: String, _ start: String) async throws {
        let tree = try TemporaryDirectory()
        try tree.write("config.yaml", "apiVersion: gpu-agent/v1\nkind: AgentConfig\nwrong: 1\n")
        let options = emptyHost(tree) + ["--config", tree.path("config.yaml"), "--wait", "1h"]
        let printed = try await agent(["validate", "-o", format] + options)
        #expect(printed.status == .exited(2))
        #expect(printed.output.hasPrefix(start) && printed.output.contains("wrong"), "\(printed)")
    }

    @Test(arguments: formats + [("text", "unknown")])
    func sigtermGivesAWholeDocument(_ format: String, _ start: String) async throws {
        let tree = try TemporaryDirectory()
        let options = emptyHost(tree) + ["--wait", "1h", "--report", tree.path("report")]
        let printed = try await agent(["validate", "-o", format] + options, terminatedAfter: .seconds(3))
        #expect(printed.status == .exited(143), "\(printed)")
        #expect(printed.output.hasPrefix(start) && printed.output.contains("SIGTERM ended the command"), "\(printed)")
        #expect(try String(contentsOfFile: tree.path("report"), encoding: .utf8) == printed.output)
    }

    @Test func waitEndsWithAnExitCode() async throws {
        let tree = try TemporaryDirectory()
        let options = emptyHost(tree) + ["--timeout", "2s", "--interval", "1s"]
        let late = try await agent(["wait", "--for", "cuda"] + options)
        #expect(late.status == .exited(3))
        #expect(late.errors.hasPrefix("waiting for cuda: no daemon of the agent has results"), "\(late.errors)")
        #expect(late.errors.split(separator: "\n").count == 1)
        #expect(late.output.hasPrefix("cuda: not ready after "))
        try tree.write("run/nvidia/validations/cuda-ready", "")
        let ready = try await agent(["wait", "--for", "driver", "-o", "json"] + options)
        #expect(ready.status == .exited(0))
        #expect(ready.output.contains("\"reached\" : true") && ready.errors == "")
        #expect(try await agent(["wait", "--for", "plugin"] + options).status == .exited(3))
        #expect(try await agent(["wait", "--for", "everything"] + options).status == .exited(2))
        let missing = ["--host-pid", "none", "--host-root", "/missing"]
        #expect(try await agent(["wait", "--for", "cuda"] + missing).status == .exited(5))
        let forever = ["wait", "--for", "plugin", "--timeout", "1h"] + emptyHost(tree)
        let ended = try await agent(forever, terminatedAfter: .seconds(2))
        #expect(ended.status == .exited(143) && ended.output.contains("SIGTERM"))
    }
}
