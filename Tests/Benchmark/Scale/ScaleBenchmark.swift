import FoundationEssentials
import Glibc
import Kubernetes
import NodeModel
import Reporting
import SimulatedCluster

/// Measures what many agents together ask of the API server: a start of all at once, a quiet time, an outage, and a
/// rolling restart.
///
/// Server and agents share this process and its processors. So it also prints the processor time: when it is as long as
/// the phase, the processors and not the agents limited the rate. No kubelet changes the Nodes meanwhile.
struct ScaleBenchmark {
    /// The most requests in a second that the server should get.
    private static let peakLimit = 200

    let agents: [ScaleAgent]
    let server: SimulatedAPIServer
    let port: Int
    let jitter: Duration

    /// Runs all phases.
    ///
    /// - Parameters:
    ///   - count: The number of nodes.
    ///   - jitter: The longest wait before the first request of an agent.
    ///   - seconds: The length of the quiet time, and of the outage.
    ///   - certificates: The directory of the certificates, as simulator/bin/make-certificates fills it.
    /// - Returns: Whether every phase kept its limits.
    /// - Throws: The error of the server, of a certificate, or of a client that cannot start.
    static func run(count: Int, jitter: Int, seconds: Int, certificates: String) async throws -> Bool {
        guard let files = openFileLimit(), files > 4 * count + 200 else {
            print("FAIL the limit of open files is too low for \(count) nodes; raise it with ulimit -Hn")
            return false
        }
        let benchmark = try await ScaleBenchmark(count: count, jitter: jitter, certificates: certificates)
        let phases = [
            try await benchmark.coldStart(), try await benchmark.becomeReady(), try await benchmark.quiet(seconds),
            try await benchmark.outage(seconds), try await benchmark.rollingRestart(),
        ]
        return phases.allSatisfy(\.self)
    }

    private init(count: Int, jitter: Int, certificates: String) async throws {
        let rights = try Rights(rbac: "daemonset/base/rbac.yaml", account: "gpu-agent", in: "gpu-agent")
        server = try SimulatedAPIServer(
            certificate: ServerCertificate(
                certificateFile: certificates + "/server.crt",
                privateKeyFile: certificates + "/server.key"
            ),
            tokens: ["agent": .serviceAccount("gpu-agent", in: "gpu-agent", node: "any", rights)],
            historyLimit: 40_000
        )
        for number in 0..<count { try await server.seed(node: Self.node(number)) }
        port = try await server.start()
        let access = ClusterAccess(
            server: "https://127.0.0.1:\(port)",
            certificateAuthorityFile: certificates + "/ca.crt",
            token: .fixed("agent")
        )
        agents = (0..<count).map { ScaleAgent(node: Self.name($0), access: access) }
        self.jitter = .seconds(jitter)
        print("\(count) agents, --start-jitter \(jitter)s")
    }

    /// Raises the limit of open files as far as this process may, and returns it; nil when that fails.
    private static func openFileLimit() -> Int? {
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(files, &limit) == 0 else { return nil }
        limit.rlim_cur = limit.rlim_max
        guard setrlimit(files, &limit) == 0 else { return nil }
        return Int(clamping: limit.rlim_cur)
    }

    private static func name(_ number: Int) -> String { "gpu-\(number)" }

    /// A new Node with the taint of its kubelet.
    private static func node(_ number: Int) -> JSON {
        [
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": ["name": .string(name(number)), "labels": ["kubernetes.io/os": "linux"]],
            "spec": ["taints": [["key": "gpu-agent.dev/not-ready", "effect": "NoSchedule"]]],
            "status": ["capacity": ["cpu": "4"]],
        ]
    }

    /// All agents start at once on new nodes.
    private func coldStart() async throws -> Bool {
        let jitter = jitter
        return try await phase("start of all at once", requestsPerNode: 2) {
            try await each { try await $0.start(jitter: jitter, verdict: .installing) }
            await settle(verdict: .installing, within: .seconds(300))
        }
    }

    private func becomeReady() async throws -> Bool {
        try await phase("all become ready") {
            try await each { await $0.publish(.ready) }
            await settle(verdict: .ready, within: .seconds(300))
        }
    }

    private func quiet(_ seconds: Int) async throws -> Bool {
        // The heartbeat of the conditions comes every 10 to 15 minutes.
        let heartbeats = seconds <= 400 ? 0 : agents.count * (1 + seconds / 600)
        return try await phase("quiet for \(seconds) s", writes: heartbeats) {
            try await Task.sleep(for: .seconds(seconds))
        }
    }

    /// The server is away, and comes back with the same objects on the same port.
    private func outage(_ seconds: Int) async throws -> Bool {
        await server.stop()
        try await Task.sleep(for: .seconds(seconds))
        return try await phase("return after \(seconds) s away") {
            _ = try await server.start(port: port)
            try await Task.sleep(for: .seconds(120))
            await settle(verdict: .ready, within: .seconds(180))
        }
    }

    /// A tenth of the agents at a time ends and starts anew, as in a rollout with `maxUnavailable: 10%`.
    private func rollingRestart() async throws -> Bool {
        let jitter = jitter
        return try await phase("rolling restart, 10% at a time", requestsPerNode: 3) {
            let size = max(1, agents.count / 10)
            for first in stride(from: 0, to: agents.count, by: size) {
                try await each(agents[first..<min(agents.count, first + size)]) { agent in
                    await agent.stop()
                    try await agent.start(jitter: jitter, verdict: .ready)
                }
                try await Task.sleep(for: jitter)
            }
            await settle(verdict: .ready, within: .seconds(300))
        }
    }

    /// Runs a phase, prints its requests, and returns whether it kept its limits.
    private func phase(
        _ name: String,
        requestsPerNode: Int? = nil,
        writes: Int? = nil,
        _ body: () async throws -> Void
    ) async throws -> Bool {
        server.log.clear()
        let (start, cpu) = (ContinuousClock.now, Self.processorSeconds)
        try await body()
        let time = (ContinuousClock.now - start) / .seconds(1)
        let rates = RequestRates(server.log.all)
        let perNode = Double(rates.requests) / Double(agents.count)
        let (wrong, open) = (await wrongNodes, await server.store.openWatches)
        var isOK = rates.peak <= Self.peakLimit && wrong == 0 && open == agents.count
        if let writes { isOK = isOK && rates.writes <= writes }
        if let requestsPerNode { isOK = isOK && perNode <= Double(requestsPerNode) }
        print(
            """
            \(isOK ? "ok  " : "FAIL") \(name): \(Int(time)) s, \(Int(Self.processorSeconds - cpu)) s of processor time
                 \(Self.rounded(perNode)) requests per node and \(rates.watches) watches, most in one second: \(rates.peak)
                 \(rates.counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
                 answers with an error: \(rates.failures), open watches: \(open), nodes with wrong labels: \(wrong)
            """
        )
        fflush(nil)
        return isOK
    }

    /// Waits until all Nodes have the labels, the taint and the conditions of the verdict, and all agents watch.
    private func settle(verdict: Verdict, within limit: Duration) async {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            if await nodes(without: verdict) == 0, await server.store.openWatches == agents.count { return }
            try? await Task.sleep(for: .seconds(1))
        }
    }

    /// The number of Nodes that are not as the last publication of their agent.
    private var wrongNodes: Int { get async { await min(nodes(without: .ready), nodes(without: .installing)) } }

    private func nodes(without verdict: Verdict) async -> Int {
        let wanted = ScaleAgent.publication(verdict)
        return await server.store.list("nodes", namespace: nil).objects.count { node in
            let labels = node[path: ["metadata", "labels"]]?.strings ?? [:]
            let isTainted = node[path: ["spec", "taints"]]?.array?.isEmpty == false
            let ready = node[path: ["status", "conditions"]]?.array?.first { $0["type"]?.string == "GPUReady" }
            return wanted.labels.contains { labels[$0.key] != $0.value } || isTainted != (wanted.taint == .present)
                || ready?["status"]?.string != wanted.conditions.first?.status.rawValue
        }
    }

    private func each(
        _ some: ArraySlice<ScaleAgent>? = nil,
        _ work: @Sendable @escaping (ScaleAgent) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for agent in some ?? agents[...] { group.addTask { try await work(agent) } }
            try await group.waitForAll()
        }
    }

    private static var processorSeconds: Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
    }

    private static func rounded(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
}
