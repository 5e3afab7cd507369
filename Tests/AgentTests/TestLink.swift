import Cluster
import ClusterSupport
import Kubernetes
import Logging
import NodeModel
import Reporting

/// A mirror of the test cluster's Node, with a publisher that uses it, as in the daemon.
struct TestLink: Sendable {
    let mirror: NodeMirror
    let publisher: NodePublisher

    init(
        _ cluster: TestCluster,
        previous: PublishedState? = nil,
        schedule: ConditionSchedule = ConditionSchedule()
    ) {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        mirror = NodeMirror(
            client: cluster.client,
            node: TestCluster.nodeName,
            prefix: "gpu-agent.dev",
            retry: RetryPolicy(base: .milliseconds(1), cap: .milliseconds(5), attempts: 3),
            // The other tests can keep the processor busy for longer than the daemon waits.
            patience: .seconds(60),
            previous: previous,
            logger: logger
        )
        publisher = NodePublisher(mirror: mirror, schedule: schedule, logger: logger)
    }

    var state: PublishedState { get async { await publisher.state } }

    func publish(_ publication: Publication) async throws(KubernetesError) {
        try await publisher.publish(publication)
    }

    func observe(_ event: NodeWatchEvent) async -> NodeMirror.Change { await mirror.observe(event) }
}

/// What an agent publishes with this verdict.
func publication(
    _ verdict: Verdict,
    _ labels: [String: String] = ["nvidia.com/gpu.count": "1"],
    undetermined: Set<String> = [],
    conditions: [Condition] = []
) -> Publication {
    Publication(
        labels: labels.merging(["gpu-agent.dev/verdict": verdict.rawValue]) { $1 },
        undetermined: undetermined,
        taint: TaintWish(verdict),
        conditions: conditions,
        verdict: verdict,
        message: "\(verdict.rawValue): a test"
    )
}

/// The condition `GPUReady` with a status, and with a reason that follows from it.
func gpuReady(_ status: Condition.Status, _ message: String = "a test") -> Condition {
    let reason = [Condition.Status.yes: "CUDAWorks", .no: "DriverMissing", .unknown: "CUDAHang"][status] ?? ""
    return Condition(type: "GPUReady", status: status, reason: reason, message: message)
}

let gpuHealthy = Condition(type: "GPUHealthy", status: .yes, reason: "NoFault", message: "a test")
