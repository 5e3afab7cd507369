import Catalog
package import Cluster
import Host
import Kubernetes
package import Logging
import NodeModel
import ServiceLifecycle
import Support
import UnixSignals

/// The daemon: the reconciler, the watchers that wake it, the health server, and the publisher.
package struct Daemon: Sendable {
    let inspector: Inspector
    /// The paths of the configuration, which the daemon reads again when the node gets into another pool.
    let settings: Settings
    let options: DaemonOptions
    let environment: [String: String]
    let version: String
    let logger: Logger

    package init(
        inspector: Inspector,
        settings: Settings,
        options: DaemonOptions,
        environment: [String: String],
        version: String,
        logger: Logger
    ) {
        self.inspector = inspector
        self.settings = settings
        self.options = options
        self.environment = environment
        self.version = version
        self.logger = logger
    }

    /// Runs until SIGTERM or SIGINT.
    ///
    /// It ends within five seconds of the signal.
    ///
    /// - Throws: `KubernetesError` when the address or the credentials of the API server are missing or unusable,
    ///   `ListenError` when the health server cannot listen on its address.
    package func run() async throws {
        useOneHeap()
        let box = SnapshotBox()
        let client = try await client()
        let mirror = await mirror(of: client)
        var services: [any Service] = [health(box)]
        if let config = inspector.setup.pools, let mirror, let client {
            services.append(
                PoolRounds(daemon: self, settings: settings, config: config, mirror: mirror, client: client, box: box)
            )
        } else {
            services += await self.services(inspector, mirror, client, box, startJitter: options.startJitter)
        }
        var configuration = ServiceGroupConfiguration(
            services: services,
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(3)
        defer { logger.notice("stopped") }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await ServiceGroup(configuration: configuration).run()) } catch {
            outcome = .failure(error)
        }
        await end(client)
        try outcome.get()
    }

    private func health(_ box: SnapshotBox) -> HealthService {
        HealthService(
            server: HealthServer(
                box: box,
                silence: options.interval * 3 + .seconds(120),
                abandoned: inspector.prober.abandoned,
                times: inspector.prober.times,
                version: version
            ),
            host: options.host,
            port: options.port,
            logger: logger
        )
    }

    /// Everything but the health server, for the settings of this inspector.
    func services(
        _ inspector: Inspector,
        _ mirror: NodeMirror?,
        _ client: KubernetesClient?,
        _ box: SnapshotBox,
        startJitter: Duration
    ) async -> [any Service] {
        let wakeUp = Bell()
        let mode = options.mode ?? inspector.setup.mode
        let downloader = inspector.setup.downloader(environment: environment)
        let before = await inspector.prober.published.load()
        let worked = before?.gpusWorked ?? false
        let cluster = mirror.map { mirror in
            let publisher =
                mode == .observe ? nil : publisher(mirror, after: before, gpusWorked: worked)
            return ClusterLink(mirror: mirror, publisher: publisher)
        }
        logger.notice("started", metadata: ["mode": "\(mode.rawValue)", "version": "\(version)"])
        for warning in inspector.setup.warnings {
            logger.warning("check the configuration", metadata: ["what": "\(warning)"])
        }
        var inspector = inspector
        // Only these warnings compare the two catalogs.
        inspector.setup.ownCatalog = nil
        inspector.owners = cluster?.mirror ?? NoCluster()
        inspector.prober.cuda.level = .full
        let progress = KernelLogWatcher.Progress()
        inspector.prober.followsKernelLog = { progress.isCurrent }
        let waiting = GPUEventWatcher.Progress()
        inspector.prober.hearsNVML = { waiting.isWaiting }
        let install = inspector.prober.commands.flatMap { commands in
            options.installs && mode == .manage
                ? InstallRun(
                    inspector: inspector,
                    commands: commands,
                    downloader: downloader,
                    pod: podName(environment),
                    progress: InstallLog(logger: logger, box: box).note
                ) : nil
        }
        var services: [any Service] = [
            Reconciler(
                inspector: inspector,
                install: install,
                cluster: cluster,
                wakeUp: wakeUp,
                box: box,
                startJitter: startJitter,
                mode: mode,
                resultsLast: options.interval + .seconds(120),
                logger: logger
            ),
            ClockWatcher(interval: options.interval, wakeUp: wakeUp),
            DeviceWatcher(wakeUp: wakeUp, logger: logger),
            MIGChangeWatcher(root: inspector.prober.root, wakeUp: wakeUp, logger: logger),
        ]
        // In the mode `observe`, the agent writes nothing to the host. Each inspection reads the log then.
        if mode != .observe {
            let root = inspector.prober.root
            services.append(KernelLogWatcher(root: root, wakeUp: wakeUp, progress: progress, logger: logger))
            let prober = inspector.prober
            services.append(
                GPUEventWatcher(
                    root: root,
                    use: inspector.setup.nvmlEvents,
                    kernelLog: progress,
                    progress: waiting,
                    gpus: { box.snapshot?.view.gpusForEvents ?? [:] },
                    isChanging: { await prober.isChanging() },
                    wait: { await prober.waitForEvents($0) },
                    wakeUp: wakeUp,
                    logger: logger
                )
            )
        }
        if let client, let cluster {
            services.append(NodeWatcher(client: client, cluster: cluster, wakeUp: wakeUp, logger: logger))
            if let publisher = cluster.publisher {
                let file = inspector.prober.published
                services.append(
                    PublisherService(publisher: publisher, file: file, box: box, wakeUp: wakeUp, logger: logger)
                )
            }
        }
        return services
    }

    /// Closes the connections to the API server.
    ///
    /// It waits at most one second, because the process ends anyway.
    private func end(_ client: KubernetesClient?) async {
        guard let client else { return }
        let closed = FirstAnswer<Void>()
        Task {
            await client.shutdown()
            closed.give(())
        }
        await closed.answer(within: .seconds(1), otherwise: (), whenCancelled: nil)
    }

    /// The mirror of the Node; nil on a node without a cluster.
    private func mirror(of client: KubernetesClient?) async -> NodeMirror? {
        guard let client, let node = options.node else { return nil }
        return NodeMirror(
            client: client,
            node: node,
            prefix: inspector.setup.policy.labelPrefix,
            conditions: inspector.setup.policy.conditions,
            selectorKeys: inspector.setup.pools?.selectorKeys ?? [],
            previous: await inspector.prober.published.load(),
            logger: logger
        )
    }

    /// The publisher, which continues what an earlier daemon published to the same Node.
    private func publisher(_ mirror: NodeMirror, after before: PublishedState?, gpusWorked: Bool) -> NodePublisher {
        NodePublisher(
            mirror: mirror,
            gpusWorked: gpusWorked,
            taintedSince: before.flatMap { $0.node == mirror.node ? $0.taintedSince : nil },
            logger: logger
        )
    }

    private func client() async throws(KubernetesError) -> KubernetesClient? {
        guard options.node != nil else {
            logger.notice("the configuration says 'cluster: none', so the agent does not publish anything")
            return nil
        }
        let access = try ClusterAccess.of(options.cluster, environment: environment)
        return try await KubernetesClient(access: access, userAgent: "gpu-agent/\(version)", logger: logger)
    }
}

/// How the daemon reads and writes its Node.
package struct ClusterLink: Sendable {
    let mirror: NodeMirror
    /// Nil in the mode `observe`, in which the agent does not write to the cluster.
    let publisher: NodePublisher?
    let slices: ResourceSliceReader

    /// - Parameters:
    ///   - mirror: The agent's copy of its Node.
    ///   - publisher: The writer of the Node; nil when the agent does not write to the cluster.
    ///   - slices: The reader of what DRA offers; nil for one that uses the mirror.
    package init(mirror: NodeMirror, publisher: NodePublisher?, slices: ResourceSliceReader? = nil) {
        self.mirror = mirror
        self.publisher = publisher
        self.slices = slices ?? ResourceSliceReader(mirror: mirror)
    }
}

/// The owner labels of a node without a cluster.
///
/// Without a cluster, no label can name another owner of the driver.
private struct NoCluster: OwnerLabelSource {
    func ownerLabels() async -> OwnerLabels {
        OwnerLabels(.skipped("the configuration says that there is no cluster"))
    }
}
