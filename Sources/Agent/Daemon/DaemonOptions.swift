package import NodeModel

/// What the daemon's command line says beyond where the node is.
package struct DaemonOptions: Sendable {
    /// An API server that is named explicitly.
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

    /// The name of the Node; nil when the cluster is left alone.
    package var node: String?
    /// Nil for the cluster that the pod runs in.
    package var cluster: Cluster?
    /// Where the health server listens.
    package var host: String
    package var port: Int
    /// How often to look when nothing happens.
    package var interval: Duration
    /// The longest wait before the first request to the API server.
    package var startJitter: Duration
    /// Whether to install drivers, or only to look and publish.
    package var installs: Bool
    /// How much to change; nil for what the configuration says.
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
