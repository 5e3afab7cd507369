import FoundationEssentials
import Glibc
import Subprocess
import Support
import SystemPackage
import Testing

/// The paths of the programs.
enum Programs {
    /// The repository's root directory.
    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// The directory of the built programs, which is that of the running test bundle.
    private static let products: String = {
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: bundle).deletingLastPathComponent().path
    }()

    static let agent = "\(products)/gpu-agent"
    static let simulator = "\(products)/gpu-sim"
    /// The agent's own catalog.
    static let catalog = "\(repository)/catalog"

    /// A script of the simulator.
    static func script(_ name: String) -> String { "\(repository)/simulator/bin/\(name)" }

    static let areThere = [agent, simulator].allSatisfy { (path: String) in access(path, X_OK) == 0 }
}

extension Trait where Self == ConditionTrait {
    /// The condition for all tests on simulated nodes.
    static var onSimulatedNodes: Self {
        .enabled("needs root, to make namespaces, and the programs gpu-agent and gpu-sim beside the tests") {
            geteuid() == 0 && Programs.areThere
        }
    }
}

/// The result of a program: its exit status and its output.
struct Finished: Sendable, CustomStringConvertible {
    var command: [String]
    var status: TerminationStatus
    var output: String
    var errors: String

    var exitCode: Int? {
        guard case .exited(let code) = status else { return nil }
        return Int(code)
    }

    var wasKilled: Bool { status == .signaled(SIGKILL) }

    var description: String { "\(command.joined(separator: " ")): \(status)\n\(output)\(errors)" }

    func expectExit(_ code: Int, sourceLocation: SourceLocation = #_sourceLocation) {
        if exitCode != code { Issue.record("not exit \(code): \(self)", sourceLocation: sourceLocation) }
    }

    /// Decodes output that was printed with `-o json`.
    func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        do { return try JSONDecoder().decode(type, from: Data(output.utf8)) } catch {
            throw Failure("\(error) in the output of \(self)")
        }
    }
}

/// A failure of the test environment, as text.
struct Failure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Runs a program until it ends, and `during` at the same time with its process ID.
///
/// The program gets no proxy variables, because all servers are on the loopback interface. It is killed when the
/// deadline passes.
@discardableResult
func runProgram(
    _ command: [String],
    environment: [String: String] = [:],
    deadline: Duration = .seconds(120),
    during: @escaping @Sendable (pid_t) async throws -> Void = { _ in }
) async throws -> Finished {
    let proxies = ["http_proxy", "https_proxy", "no_proxy"].flatMap { [$0, $0.uppercased()] }
    let removed = proxies.map { (Environment.Key(stringLiteral: $0), String?.none) }
    let added = environment.map { (Environment.Key(stringLiteral: $0.key), String?.some($0.value)) }
    let variables = Dictionary(removed + added) { _, last in last }
    return try await withThrowingTaskGroup { group in
        defer { group.cancelAll() }
        group.addTask {
            let result = try await Subprocess.run(
                command[0].contains("/") ? .path(FilePath(command[0])) : .name(command[0]),
                arguments: Arguments(Array(command.dropFirst())),
                environment: .inherit.updating(variables),
                input: .none,
                output: .string(limit: 16 << 20),
                error: .string(limit: 16 << 20)
            ) { execution in
                try await during(execution.processIdentifier.value)
            }
            return Finished(
                command: command,
                status: result.terminationStatus,
                output: result.standardOutput,
                errors: result.standardError
            )
        }
        group.addTask {
            try await Task.sleep(for: deadline)
            throw Failure("still running after \(deadline): \(command.joined(separator: " "))")
        }
        guard let finished = try await group.next() else { throw CancellationError() }
        return finished
    }
}

/// Waits until a condition is true.
///
/// At the deadline, the test fails with the description of the condition.
func until(_ what: String, deadline: Duration = .seconds(60), _ condition: () throws -> Bool) async throws {
    let end = ContinuousClock.now + deadline
    while try !condition() {
        guard ContinuousClock.now < end else { throw Failure("not within \(deadline): \(what)") }
        try await Task.sleep(for: .milliseconds(5))
    }
}
