package import NodeModel

/// The options of `gpu-agent run` that do not locate the node.
package struct DaemonOptions: Sendable {
    /// An API server that the command line names.
    package struct Cluster: Sendable {
        package var server: String
        package var caFile: String
        package var tokenFile: String

        package init(server: String, caFile: String, tokenFile: String) {
            self.server = server
            self.caFile = caFile
            self.tokenFile = tokenFile
        }
    }

    /// The name of the Node; nil when the agent uses no cluster.
    package var node: String?
    /// The API server; nil for the one of the cluster that the pod runs in.
    package var cluster: Cluster?
    /// The address that the health server listens on.
    package var host: String
    package var port: Int
    /// How often the agent inspects the node when no event occurs.
    package var interval: Duration
    /// The longest wait before the first request to the API server.
    package var startJitter: Duration
    /// Whether the agent installs drivers; otherwise, it only inspects the node and publishes.
    package var installs: Bool
    /// How much the agent may change; nil for the mode of the configuration.
    package var mode: AgentMode?

    package init(
        node: String?,
        cluster: Cluster?,
        host: String,
        port: Int,
        interval: Duration,
        startJitter: Duration,
        installs: Bool,
        mode: AgentMode? = nil
    ) {
        self.node = node
        self.cluster = cluster
        self.host = host
        self.port = port
        self.interval = interval
        self.startJitter = startJitter
        self.installs = installs
        self.mode = mode
    }
}
