import Agent
import Cluster
import Kubernetes
import Logging
import NodeModel
import Reporting
import Support

/// The part of an agent that talks to the API server, for one of many nodes in one process.
///
/// It is the code of the daemon: the mirror, the publisher, the watcher and their pauses. Only the inspection is missing,
/// so the publications come from the benchmark.
actor ScaleAgent {
    let node: String
    private let access: ClusterAccess
    private let logger = Logger(label: "scale") { _ in SwiftLogNoOpLogHandler() }
    private var running: Running?

    private struct Running {
        var client: KubernetesClient
        var publisher: NodePublisher
        var tasks: [Task<Void, Never>]
    }

    init(node: String, access: ClusterAccess) {
        self.node = node
        self.access = access
    }

    /// Starts as the daemon does: a random wait, the read of the Node, and a publication; then the watch.
    ///
    /// - Parameters:
    ///   - jitter: The longest wait before the first request, as `gpu-agent run --start-jitter` has it.
    ///   - verdict: The verdict of the first inspection.
    /// - Throws: `KubernetesError` when the file of the certificate authority cannot be read.
    func start(jitter: Duration, verdict: Verdict) async throws {
        let client = try await KubernetesClient(access: access, userAgent: "gpu-agent/scale", logger: logger)
        let mirror = NodeMirror(client: client, node: node, prefix: "gpu-agent.dev", logger: logger)
        let publisher = NodePublisher(mirror: mirror, logger: logger)
        let wakeUp = Bell()
        let watcher = NodeWatcher(
            client: client,
            cluster: ClusterLink(mirror: mirror, publisher: publisher),
            wakeUp: wakeUp,
            logger: logger
        )
        let publication = Self.publication(verdict)
        running = Running(
            client: client,
            publisher: publisher,
            tasks: [
                Task { await publisher.run { inputsChanged in if inputsChanged { wakeUp.ring() } } },
                Task { _ = try? await watcher.run() },
                Task {
                    try? await Task.sleep(for: jitter * Double.random(in: 0..<1))
                    guard !Task.isCancelled else { return }
                    _ = await mirror.ownerLabels(noOlderThan: nil)
                    await publisher.want(publication)
                    // Each inspection reads the labels of the owner from the mirror.
                    for await _ in wakeUp.calls where !Task.isCancelled {
                        _ = await mirror.ownerLabels(noOlderThan: nil)
                    }
                },
            ]
        )
    }

    /// Publishes the result of a later inspection.
    func publish(_ verdict: Verdict) async { await running?.publisher.want(Self.publication(verdict)) }

    /// Ends as the daemon does at SIGTERM: the conditions become Unknown, and the connections close.
    func stop() async {
        guard let stopping = running else { return }
        running = nil
        for task in stopping.tasks { task.cancel() }
        for task in stopping.tasks { await task.value }
        await stopping.publisher.end()
        await stopping.client.shutdown()
    }

    /// What the agent wants on its Node: as many labels as on a node with one GPU.
    static func publication(_ verdict: Verdict) -> Publication {
        let works = verdict == .ready
        var labels: [String: String] = [:]
        for number in 0..<24 { labels["nvidia.com/gpu.benchmark-\(number)"] = "value-\(number)" }
        labels["gpu-agent.dev/verdict"] = verdict.rawValue
        return Publication(
            labels: labels,
            undetermined: [],
            annotations: works ? ["gpu-agent.dev/validated-at": .firstProof(ofBoot: "b", Timestamp(0))] : [:],
            taint: works ? .absent : .present,
            conditions: [
                Condition(
                    type: "GPUReady",
                    status: works ? .yes : .no,
                    reason: works ? "CUDAWorks" : "DriverMissing",
                    message: "a benchmark"
                ),
                Condition(type: "GPUHealthy", status: .yes, reason: "NoFault", message: "a benchmark"),
            ],
            verdict: verdict,
            message: "\(verdict.rawValue): a benchmark"
        )
    }
}
