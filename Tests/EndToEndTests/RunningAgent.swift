import ClusterSupport
import FoundationEssentials
import Glibc
import Kubernetes
import NodeModel
import SimulatedCluster
import Support
import TestSupport
import Testing

/// `gpu-agent run` on a simulated node, with an API server that has the Node `gpu-1`.
struct RunningAgent: Sendable {
    let node: SimulatedNode
    let cluster: TestCluster
    let process: pid_t
    let port: Int

    /// Runs the agent during the test, then ends it with SIGTERM, which must take less than 5 seconds.
    @discardableResult
    static func with(
        _ node: SimulatedNode,
        _ cluster: TestCluster,
        options: [String] = [],
        environment: [String: String] = [:],
        _ body: @escaping @Sendable (RunningAgent) async throws -> Void
    ) async throws -> Finished {
        let port = try freePort()
        let access = cluster.client.access
        let place = [
            "--node-name", TestCluster.nodeName, "--api-server", access.server,
            "--ca-file", access.certificateAuthorityFile, "--token-file", cluster.tokenFile,
            "--listen", "127.0.0.1:\(port)", "--start-jitter", "0s",
        ]
        let finished = try await node.agent("run", place + options, environment: environment) { process in
            let agent = RunningAgent(node: node, cluster: cluster, process: process, port: port)
            do { try await body(agent) } catch {
                kill(process, SIGKILL)
                throw error
            }
            kill(process, SIGTERM)
            let end = ContinuousClock.now + .seconds(5)
            while isAlive(process), ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(20)) }
            if isAlive(process) {
                Issue.record("SIGTERM did not end the agent within 5 seconds")
                kill(process, SIGKILL)
            }
        }
        finished.expectExit(0)
        return finished
    }

    /// The status and the body of a response of the health server; nil when the server does not respond.
    func get(_ path: String) async throws -> (status: String, body: String)? {
        let command = ["curl", "-s", "-m", "5", "-w", "\n%{http_code}", "http://127.0.0.1:\(port)\(path)"]
        let answer = try await runProgram(command)
        guard answer.exitCode == 0, let last = answer.output.lastIndex(of: "\n") else { return nil }
        return (String(answer.output[answer.output.index(after: last)...]), String(answer.output[..<last]))
    }

    /// Waits until the Node shows a verdict.
    ///
    /// The taint of a node that is ready goes after its labels, with another request.
    func awaitVerdict(_ verdict: Verdict, deadline: Duration = .seconds(90)) async throws {
        try await untilAsync("the verdict is \(verdict.rawValue)", deadline: deadline) {
            let node = try await shown()
            let isTainted = node.taints.contains { $0.key == "gpu-agent.dev/not-ready" }
            return node.metadata.labels["gpu-agent.dev/verdict"] == verdict.rawValue
                && !(verdict == .ready && isTainted)
        }
    }

    func shown() async throws -> Node { try await cluster.client.node(TestCluster.nodeName) }

    /// The agent's own requests to the API server, without those of the test.
    func requests() -> [String] {
        cluster.server.log.all.filter { $0.userAgent?.hasPrefix("gpu-agent/0") == true }
            .map { $0.target.contains("watch=true") ? "WATCH" : $0.method }
    }

    private static func isAlive(_ process: pid_t) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        // The third field: Z is a process that ended and was not waited for yet.
        return stat.split(separator: ")").last?.split(separator: " ").first != "Z"
    }

    /// A port on which no process listens now.
    private static func freePort() throws -> Int {
        let port = try LoopbackPort()
        defer { port.close() }
        return port.number
    }
}

/// Waits until an asynchronous condition is true.
func untilAsync(
    _ what: String,
    deadline: Duration = .seconds(60),
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + deadline
    while try await !condition() {
        guard ContinuousClock.now < end else { throw Failure("not within \(deadline): \(what)") }
        try await Task.sleep(for: .milliseconds(50))
    }
}
