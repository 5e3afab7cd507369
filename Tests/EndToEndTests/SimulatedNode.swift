import FoundationEssentials
import Glibc
import NodeModel
import TestSupport
import Testing

/// A simulated host with its driver packages on a download server, and the agent's commands on it.
struct SimulatedNode: Sendable {
    /// The ID of the host's first process, in the PID namespace of the tests.
    let pid: Int
    /// Contains the state of the host, the packages, the catalog and the log of the server.
    let directory: TemporaryDirectory

    /// Starts a node, runs the test with it, and stops the node even when the test fails.
    ///
    /// - Parameters:
    ///   - scenario: The name of a scenario, or the directory of one.
    ///   - settings: `KEY=VALUE` lines of the scenario's `host` file.
    ///   - server: Options of `gpu-sim download-server`.
    ///   - body: The test.
    /// - Throws: The error of the test, or a `Failure` when the node does not start or stop.
    static func with(
        _ scenario: String = "rtx-pro-6000",
        set settings: [String] = [],
        server: [String] = [],
        _ body: @escaping @Sendable (SimulatedNode) async throws -> Void
    ) async throws {
        try await NodeSlots.use {
            let directory = try TemporaryDirectory()
            // Unprivileged commands are given files in it.
            chmod(directory.path, 0o755)
            try directory.makeDirectory("packages")
            let node = Programs.script("node")
            do {
                let options = settings.flatMap { ["--set", $0] }
                try await succeed([node, "up", "--dir", directory.path, "--scenario", scenario] + options)
                let pid = try await succeed([node, "pid", "--dir", directory.path]).output.filter { !$0.isNewline }
                let host = SimulatedNode(pid: try #require(Int(pid)), directory: directory)
                try await host.serve(scenario, server) { try await body(host) }
            } catch {
                try await runProgram([node, "down", "--dir", directory.path])
                throw error
            }
            try await succeed([node, "down", "--dir", directory.path])
        }
    }

    /// Runs the download server during `body`, with a catalog that names it.
    private func serve(
        _ scenario: String,
        _ options: [String],
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let directory = directory
        let files = ["--port-file", directory.path("port"), "--log", directory.path("requests")]
        let command = [Programs.simulator, "download-server", directory.path("packages")] + files + options
        // The time limit of the suite ends a test earlier.
        let server = try await runProgram(command, deadline: .seconds(1800)) { process in
            defer { kill(process, SIGKILL) }
            try await until("the download server listens") { directory.exists("port") }
            let address = "http://127.0.0.1:\(try directory.text("port").filter { !$0.isNewline })"
            let place = ["--dir", directory.path, "--scenario", scenario, "--server", address]
            try await succeed([Programs.script("catalog")] + place + ["--size", "1", "--effort", "8"])
            try await body()
        }
        if !server.wasKilled { Issue.record("the download server ended by itself: \(server)") }
    }

    // The agent

    /// Runs a command of the agent on this node.
    @discardableResult
    func agent(
        _ command: String,
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        deadline: Duration = .seconds(120),
        during: @escaping @Sendable (pid_t) async throws -> Void = { _ in }
    ) async throws -> Finished {
        let place = ["--host-pid", "\(pid)"] + (command == "facts" ? [] : choice)
        return try await runProgram(
            [Programs.agent, command] + place + arguments,
            environment: environment,
            deadline: deadline,
            during: during
        )
    }

    /// The options that name the catalogs.
    var choice: [String] { ["--catalog-directory", Programs.catalog, "--catalog", directory.path("catalog.yaml")] }

    func status(_ options: [String] = []) async throws -> PrintedStatus {
        let run = try await agent("status", ["-o", "json"] + options)
        run.expectExit(0)
        return try run.decoded()
    }

    /// The requests to the download server, in the order in which their responses ended.
    func requests() throws -> [PrintedRequest] {
        try directory.text("requests").split(separator: "\n").map {
            try JSONDecoder().decode(PrintedRequest.self, from: Data($0.utf8))
        }
    }

    // The host

    /// Runs a command on the host, which must succeed, and returns its output.
    @discardableResult
    func run(_ command: [String]) async throws -> String {
        try await succeed([Programs.script("node"), "exec", "--dir", directory.path] + command).output
    }

    /// Starts a process on the host that has a device node of the driver open.
    ///
    /// Nothing answers behind the node, so the process can only hold it.
    func holdGPUs() async throws {
        let holder = "import os,time; os.open('/dev/nvidiactl', os.O_PATH); time.sleep(600)"
        let script = "python3 -c \"$1\" >/dev/null 2>&1 & echo $! >/run/holder; sleep 0.5"
        try await run(["sh", "-c", script, "sh", holder])
    }

    /// Ends the process of `holdGPUs`.
    func releaseGPUs() async throws {
        try await run(["sh", "-c", "kill $(cat /run/holder); rm /run/holder; sleep 0.5"])
    }

    /// Appends a line of the driver to the kernel log, which is a file here, with the time since the boot of this machine.
    func logToKernel(_ sequence: Int, _ text: String) async throws {
        let script = "printf '4,%s,%s000000,-;%s\\n' \"$1\" \"$(cut -d . -f 1 /proc/uptime)\" \"$2\" >>/dev/kmsg"
        try await run(["sh", "-c", script, "sh", "\(sequence)", text])
    }

    /// The path of a host file in the file system of the tests.
    func path(_ path: String) -> String { "/proc/\(pid)/root\(path)" }

    func exists(_ path: String) -> Bool { access(self.path(path), F_OK) == 0 }

    /// The text of a file on the host; nil when the file does not exist.
    func text(_ path: String) -> String? { try? String(contentsOfFile: self.path(path), encoding: .utf8) }

    func journal() throws -> Journal {
        let text = try #require(self.text(HostLayout.journal), "there is no journal")
        return try JSONDecoder().decode(Journal.self, from: Data(text.utf8))
    }

    /// The command lines of the processes on the host, without its first process and the `sleep` of that process.
    func processes() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path("/proc"))) ?? []
        return names.compactMap { name in
            guard let number = Int(name), number > 1, let line = text("/proc/\(number)/cmdline"), !line.isEmpty else {
                return nil
            }
            let words = line.split(separator: "\0").joined(separator: " ")
            return words == "sleep infinity" ? nil : words
        }
    }
}

/// Runs a program that must exit with 0.
@discardableResult
func succeed(_ command: [String]) async throws -> Finished {
    let finished = try await runProgram(command)
    guard finished.exitCode == 0 else { throw Failure("\(finished)") }
    return finished
}

/// Limits the number of nodes that run at the same time, because each compiles modules and other tests have deadlines.
actor NodeSlots {
    private static let shared = NodeSlots(count: 3)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    private init(count: Int) {
        free = count
    }

    static func use(_ body: () async throws -> Void) async throws {
        await shared.take()
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        await shared.giveBack()
        try result.get()
    }

    private func take() async {
        if free > 0 { free -= 1 } else { await withCheckedContinuation { waiting.append($0) } }
    }

    private func giveBack() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
