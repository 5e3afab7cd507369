import Cluster
import ClusterSupport
import Kubernetes
import Logging
import NodeModel
import Reporting
import SimulatedCluster
import Support

@testable import Agent

/// What the agent publishes in the tests that count its requests.
let testPublication = Publication(
    labels: ["gpu-agent.dev/verdict": "ready", "nvidia.com/gpu.count": "1"],
    undetermined: [],
    taint: .absent,
    conditions: [gpuReady(.yes), gpuHealthy],
    verdict: .ready,
    message: "ready: a test"
)

/// Runs the publisher and the watch with a cluster while `body` runs.
func withPublisher(
    _ cluster: TestCluster,
    wanting wanted: Publication = testPublication,
    _ body: (NodePublisher) async throws -> Void
) async throws {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let mirror = NodeMirror(
        client: cluster.client,
        node: TestCluster.nodeName,
        prefix: "gpu-agent.dev",
        logger: logger
    )
    let publisher = NodePublisher(mirror: mirror, logger: logger)
    let link = ClusterLink(mirror: mirror, publisher: publisher)
    let watcher = NodeWatcher(client: cluster.client, cluster: link, wakeUp: Bell(), logger: logger)
    let tasks: [Task<Void, Never>] = [
        Task { await publisher.run { _ in } }, Task { _ = try? await watcher.run() },
    ]
    await publisher.want(wanted)
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await body(publisher)) } catch { outcome = .failure(error) }
    for task in tasks { task.cancel() }
    for task in tasks { await task.value }
    try outcome.get()
}

/// The methods of the requests that the agent made, in their order.
func requestsOfTheAgent(_ cluster: TestCluster) -> [String] {
    cluster.server.log.all.filter { $0.userAgent?.hasPrefix("gpu-agent/") == true }.map(\.method)
}
