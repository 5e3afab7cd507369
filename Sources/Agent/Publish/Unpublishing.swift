import Cluster
import Health
import Kubernetes
package import Logging
package import NodeModel
import Support

/// Removes everything that the agent wrote to its Node, for `gpu-agent unpublish`.
package struct Unpublishing: Sendable {
    let node: String
    let cluster: DaemonOptions.Cluster?
    let prefix: String
    let conditions: ConditionTypes?
    let environment: [String: String]
    let version: String
    let logger: Logger

    /// - Parameters:
    ///   - node: The name of the Node.
    ///   - cluster: The API server; nil for the one of the cluster that the pod runs in.
    ///   - prefix: The prefix of the agent's own labels, without the slash.
    ///   - conditions: The types of the agent's conditions; nil when it publishes none.
    ///   - environment: The environment of the process.
    ///   - version: The version of the agent.
    ///   - logger: The logger for requests.
    package init(
        node: String,
        cluster: DaemonOptions.Cluster?,
        prefix: String,
        conditions: ConditionTypes?,
        environment: [String: String],
        version: String,
        logger: Logger
    ) {
        self.node = node
        self.cluster = cluster
        self.prefix = prefix
        self.conditions = conditions
        self.environment = environment
        self.version = version
        self.logger = logger
    }

    /// Removes everything and returns what was removed, as a line of text.
    package func run() async throws(AgentFailure) -> String {
        do throws(KubernetesError) {
            let access = try ClusterAccess.of(cluster, environment: environment)
            let client = try await KubernetesClient(access: access, userAgent: "gpu-agent/\(version)", logger: logger)
            let outcome: Result<NodeWithdrawal.Outcome, KubernetesError>
            do throws(KubernetesError) {
                let withdrawal = NodeWithdrawal(client: client, node: node, prefix: prefix, conditions: conditions)
                outcome = .success(try await withdrawal.run())
            } catch {
                outcome = .failure(error)
            }
            await client.shutdown()
            return text(try outcome.get())
        } catch {
            throw AgentFailure(
                Finding(
                    .publicationFailed,
                    observed: "\(errorChain(error)).",
                    expected: "a Node without the agent's labels, annotations, taint, conditions and field ownership",
                    remedy: "Correct the cause and run the command again."
                )
            )
        }
    }

    private func text(_ outcome: NodeWithdrawal.Outcome) -> String {
        guard !outcome.isEmpty else { return "node \(node): there was nothing from the agent to remove\n" }
        let parts = [
            counted(outcome.labels, "label"),
            outcome.annotations.isEmpty ? nil : counted(outcome.annotations, "annotation"),
            outcome.hadTaint ? "the taint" : nil,
            outcome.conditions.isEmpty ? nil : counted(outcome.conditions, "condition"),
            outcome.ownedFields ? "the field ownership" : nil,
        ].compactMap(\.self)
        return "node \(node): removed \(parts.joined(separator: ", "))\n"
    }

    private func counted(_ items: [String], _ word: String) -> String {
        "\(items.count) \(word)\(items.count == 1 ? "" : "s")"
    }
}

extension ClusterAccess {
    /// The API server that the command line names, or the one of the cluster that the pod runs in.
    static func of(
        _ named: DaemonOptions.Cluster?,
        environment: [String: String]
    ) throws(KubernetesError) -> ClusterAccess {
        guard let named else { return try inCluster(environment: environment) }
        return ClusterAccess(
            server: named.server,
            certificateAuthorityFile: named.caFile,
            tokenFile: named.tokenFile
        )
    }
}
