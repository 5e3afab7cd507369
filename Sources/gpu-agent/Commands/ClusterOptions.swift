import Agent
import ArgumentParser

/// The options that locate the Node and the API server.
struct ClusterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The name of this Node. Default: the environment variable NODE_NAME.", valueName: "name")
    )
    var nodeName: String?

    @Option(
        help: ArgumentHelp(
            "The URL of the API server. Default: the API server of the pod's cluster.",
            valueName: "url"
        )
    )
    var apiServer: String?

    @Option(help: ArgumentHelp("The CA certificate of the API server, in PEM format.", valueName: "file"))
    var caFile: String?

    @Option(help: ArgumentHelp("The file with the bearer token, which is read for each request.", valueName: "file"))
    var tokenFile: String?

    func validate() throws {
        if let apiServer, !apiServer.hasPrefix("https://") || apiServer.count == "https://".count {
            throw ValidationError("--api-server '\(apiServer)' is not a URL that begins with https://")
        }
        let parts = [apiServer, caFile, tokenFile].compactMap(\.self)
        guard parts.isEmpty || parts.count == 3 else {
            throw ValidationError("--api-server, --ca-file and --token-file must be used together")
        }
    }

    /// The API server that the command line names; nil for the one of the cluster of the pod.
    var server: DaemonOptions.Cluster? {
        guard let apiServer, let caFile, let tokenFile else { return nil }
        return DaemonOptions.Cluster(server: apiServer, caFile: caFile, tokenFile: tokenFile)
    }

    /// The name of the Node; nil when neither the command line nor the environment names one.
    func node(_ environment: [String: String]) -> String? {
        nodeName ?? environment["NODE_NAME"].flatMap { $0.isEmpty ? nil : $0 }
    }
}
