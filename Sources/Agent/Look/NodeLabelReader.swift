import Kubernetes
package import Logging
import NodeModel
import Support

/// Reads the labels of a Node once, for `gpu-agent config explain`.
package struct NodeLabelReader: Sendable {
    let node: String
    let cluster: DaemonOptions.Cluster?
    let environment: [String: String]
    let version: String
    let logger: Logger

    /// - Parameters:
    ///   - node: The name of the Node.
    ///   - cluster: The API server; nil for the one of the cluster that the pod runs in.
    ///   - environment: The environment of the process.
    ///   - version: The version of the agent.
    ///   - logger: The logger for requests.
    package init(
        node: String,
        cluster: DaemonOptions.Cluster?,
        environment: [String: String],
        version: String,
        logger: Logger
    ) {
        self.node = node
        self.cluster = cluster
        self.environment = environment
        self.version = version
        self.logger = logger
    }

    package func labels() async throws(AgentFailure) -> [String: String] {
        do throws(KubernetesError) {
            let access = try ClusterAccess.of(cluster, environment: environment)
            let client = try await KubernetesClient(access: access, userAgent: "gpu-agent/\(version)", logger: logger)
            let outcome: Result<Node, KubernetesError>
            do throws(KubernetesError) { outcome = .success(try await client.node(node)) } catch {
                outcome = .failure(error)
            }
            await client.shutdown()
            return try outcome.get().metadata.labels
        } catch {
            throw AgentFailure(
                Finding(
                    .poolUnknown,
                    observed: "The labels of the Node \(node) cannot be read: \(errorChain(error)).",
                    expected: "an answer of the API server",
                    remedy: "Correct the cause, or name the labels with --labels, as 'kubectl get node \(node) "
                        + "--show-labels' prints them."
                )
            )
        }
    }
}
