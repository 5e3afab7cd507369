import Cluster
import Host
import Kubernetes
package import Logging
import NodeModel
import Planning
import ServiceLifecycle
import UnixSignals

/// The agent as it runs on a node for good: the loop and what wakes it, the health server, and the way out.
package struct Daemon: Sendable {
    let inspector: Inspector
    let options: DaemonOptions
    let environment: [String: String]
    let version: String
    let logger: Logger

    package init(
        inspector: Inspector,
        options: DaemonOptions,
        environment: [String: String],
        version: String,
        logger: Logger
    ) {
        self.inspector = inspector
        self.options = options
        self.environment = environment
        self.version = version
        self.logger = logger
    }

    /// Runs until SIGTERM or SIGINT, and ends within five seconds of it.
    package func run() async throws {
        let wakeUp = WakeUp()
        let box = SnapshotBox()
        let downloader = Downloader(proxies: ProxySettings(environment: environment))
        let client = try await client()
        let previous = await inspector.prober.publishedState()
        let publisher = client.flatMap { client in
            options.node.map { node in
                NodePublisher(
                    client: client,
                    node: node,
                    prefix: self.inspector.setup.policy.labelPrefix,
                    previous: previous,
                    logger: logger
                )
            }
        }
        let inspector = inspector(asking: publisher)
        let install = inspector.prober.commands.flatMap { commands in
            options.installs
                ? InstallRun(
                    inspector: inspector,
                    commands: commands,
                    downloader: downloader,
                    progress: InstallLog(logger: logger, box: box).note
                ) : nil
        }
        var services: [any Service] = [
            HealthServer(box: box, silence: options.interval * 3 + .seconds(120))
                .application(host: options.host, port: options.port, logger: logger),
            Reconciler(
                inspector: inspector,
                install: install,
                publisher: publisher,
                wakeUp: wakeUp,
                box: box,
                startJitter: options.startJitter,
                logger: logger
            ),
            ClockWatcher(interval: options.interval, wakeUp: wakeUp),
            DeviceWatcher(wakeUp: wakeUp, logger: logger),
        ]
        if let client, let publisher, let node = options.node {
            services.append(
                NodeWatcher(client: client, publisher: publisher, node: node, wakeUp: wakeUp, logger: logger)
            )
        }
        var configuration = ServiceGroupConfiguration(
            services: services,
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(3)
        defer { logger.notice("stopped") }
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch {
            await client?.shutdown()
            throw error
        }
        await client?.shutdown()
    }

    /// The inspector that asks the cluster itself who owns the driver.
    private func inspector(asking publisher: NodePublisher?) -> Inspector {
        var inspector = inspector
        inspector.ownerLabels = {
            await publisher?.ownerLabels() ?? OwnerLabels(.skipped("the configuration says that there is no cluster"))
        }
        return inspector
    }

    private func client() async throws(KubernetesError) -> KubernetesClient? {
        guard options.node != nil else {
            logger.notice("cluster: none in the configuration: nothing is published")
            return nil
        }
        let named = options.cluster.map {
            ClusterAccess(server: $0.server, certificateAuthorityFile: $0.caFile, tokenFile: $0.tokenFile)
        }
        let access: ClusterAccess
        if let named { access = named } else { access = try .inCluster(environment: environment) }
        return try await KubernetesClient(access: access, userAgent: "gpu-agent/\(version)", logger: logger)
    }
}

/// Writes the progress of an install to the log.
struct InstallLog: Sendable {
    let logger: Logger
    let box: SnapshotBox

    func note(_ progress: InstallProgress) {
        box.alive()
        switch progress {
        case .started(let step, let number, let count):
            logger.notice("step started", metadata: ["step": "\(step.id.rawValue)", "number": "\(number)/\(count)"])
        case .downloaded(let bytes, total: _): logger.debug("downloading", metadata: ["bytes": "\(bytes)"])
        case .said(let line): logger.debug("installer", metadata: ["line": "\(line)"])
        case .finished(let step, let seconds):
            logger.notice("step done", metadata: ["step": "\(step.id.rawValue)", "seconds": "\(seconds)"])
        case .failed(let step, let problem):
            logger.error("step failed", metadata: ["step": "\(step.id.rawValue)", "code": "\(problem.code.rawValue)"])
        case .waitingForJob(let name):
            logger.notice("an installer still runs from before", metadata: ["job": "\(name)"])
        }
    }
}
