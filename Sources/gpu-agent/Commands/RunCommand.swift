import Agent
import ArgumentParser
import Catalog
import Logging
import NodeModel

/// `run`: the daemon.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the daemon: install the driver, check the GPUs, and publish the state of the node.",
        discussion: """
            The DaemonSet runs this command. It inspects the node again after every change, and serves /healthz, \
            /readyz and /metrics. It ends within five seconds of SIGTERM. The next agent waits for an installer that \
            is still running. If the installer ended together with the agent's pod, the next agent starts it again.
            """
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var choice: ChoiceOptions

    @OptionGroup var cluster: ClusterOptions

    @Option(help: ArgumentHelp("The address of /healthz, /readyz and /metrics.", valueName: "host:port"))
    var listen = ListenAddress(host: "::", port: 9410)

    @Option(help: ArgumentHelp("How often to inspect the node when no event occurs.", valueName: "duration"))
    var interval = WaitDuration(seconds: 300)

    @Option(help: ArgumentHelp("The longest wait before the first request to the API server.", valueName: "duration"))
    var startJitter = WaitDuration(seconds: 5)

    @Flag(inversion: .prefixedNo, help: "Install the driver when the node needs one.")
    var install = true

    @Option(help: "What the agent may do: observe, label or manage. Default: 'mode' in the configuration, or manage.")
    var mode: AgentMode?

    @Option(help: "How much to log: debug, info, notice, warning or error.")
    var logLevel = LogLevel(.info)

    func validate() throws {
        guard interval.duration >= .seconds(1) else { throw ValidationError("--interval must be 1s or more") }
    }

    func run() async throws {
        try await reporting {
            let source = NodeSource(host: host, choice: choice, facts: try FactsOption.parse([]))
            let environment = Output.environment
            let settings = Settings(host, choice)
            let setup = try Setup.load(settings, labels: .skipped("the daemon has not read the Node yet"))
            let named = cluster.node(environment)
            if setup.cluster == .required, named == nil {
                Output.complain(
                    """
                    gpu-agent: the name of this Node is missing, so the agent cannot find out who owns the driver
                      → Set NODE_NAME or --node-name. On a node without a cluster, configure 'cluster: none'.

                    """
                )
                throw ExitStatus.usage
            }
            let options = DaemonOptions(
                node: setup.cluster == .none ? nil : named,
                cluster: cluster.server,
                host: listen.host,
                port: listen.port,
                interval: interval.duration,
                startJitter: startJitter.duration,
                installs: install,
                mode: mode
            )
            var logger = Logger(label: "gpu-agent") { _ in LineLogHandler() }
            logger.logLevel = logLevel.level
            try await Daemon(
                inspector: Inspector(prober: try source.prober(), setup: setup),
                settings: settings,
                options: options,
                environment: environment,
                version: Version.text,
                logger: logger
            ).run()
        }
    }
}

extension AgentMode: ExpressibleByArgument {}

/// The value of `--listen`: the address of the health server, such as `127.0.0.1:9410`, `[::1]:9410` or `:9410`.
struct ListenAddress: ExpressibleByArgument {
    var host: String
    var port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"), let port = Int(argument[argument.index(after: colon)...]),
            (0...65535).contains(port)
        else { return nil }
        var host = argument[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            // Without brackets, the last part of an IPv6 address looks like a port.
            return nil
        }
        self.init(host: host.isEmpty ? "::" : String(host), port: port)
    }

    var defaultValueDescription: String { host == "::" ? ":\(port)" : "\(host):\(port)" }
}

/// The value of `--log-level`.
struct LogLevel: ExpressibleByArgument {
    var level: Logger.Level

    init(_ level: Logger.Level) {
        self.level = level
    }

    init?(argument: String) {
        guard let level = Logger.Level(rawValue: argument) else { return nil }
        self.level = level
    }

    var defaultValueDescription: String { level.rawValue }
}

extension WaitDuration {
    init(seconds: Int) {
        duration = .seconds(seconds)
    }

    var defaultValueDescription: String {
        let seconds = Int(duration.components.seconds)
        return seconds % 60 == 0 && seconds > 0 ? "\(seconds / 60)m" : "\(seconds)s"
    }
}
