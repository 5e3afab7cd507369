import Catalog
import Cluster
import Host
import Kubernetes
import Logging
import NodeModel
import ServiceLifecycle
import Support

/// Runs the daemon with the settings of the pool that the node belongs to, and again when the node changes its pool.
///
/// While the pool is not known, nothing else runs, so nothing changes on the host or on the Node. A change of the pool is
/// like a restart of the pod with another configuration: a job of the host goes on, and the next round waits for its end.
struct PoolRounds: Service {
    let daemon: Daemon
    let settings: Settings
    let config: Config
    let mirror: NodeMirror
    let client: KubernetesClient
    let box: SnapshotBox

    /// How old the labels may be while no pool is known, and no watch follows them.
    private static let age = Duration.seconds(50)
    /// The longest pause between two reads of the Node.
    private static let longestPause = 60.0

    private var logger: Logger { daemon.logger }

    func run() async throws {
        var jitter = daemon.options.startJitter
        while !Task.isCancelled {
            let first = jitter
            let found = await cancelWhenGracefulShutdown { await labels(after: first) }
            guard let found else { return }
            jitter = .zero
            guard try await round(found) else { return }
            logger.notice("a label of the Node changed, so the node belongs to another pool")
        }
    }

    /// Runs with the settings for these labels.
    ///
    /// - Returns: True when the node belongs to another pool now, false when the daemon ends.
    private func round(_ labels: [String: String]) async throws -> Bool {
        let setup = try Setup.load(settings, labels: .present(labels))
        // Another configuration can ask for labels that nobody has read.
        guard setup.pools == config else { throw ConfigurationChanged() }
        logger.notice("found the pool of the node", metadata: ["pool": "\(setup.pool.name ?? "none matches")"])
        var prober = daemon.inspector.prober
        // The prober of the daemon has the settings of the top level.
        prober.testsVulkan = { false }
        let inspector = Inspector(prober: prober, setup: setup)
        let watcher = PoolWatcher(config: config, current: setup.pool, mirror: mirror)
        let services = await daemon.services(inspector, mirror, client, box, startJitter: .zero)
        var configuration = ServiceGroupConfiguration(
            services: [.init(service: watcher, successTerminationBehavior: .gracefullyShutdownGroup)]
                + services.map { .init(service: $0) },
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(3)
        try await ServiceGroup(configuration: configuration).run()
        return watcher.hasChanged
    }

    /// Waits until the labels of the Node say which settings apply, and returns them; nil when the daemon ends.
    func labels(after jitter: Duration) async -> [String: String]? {
        try? await Task.sleep(for: jitter * Double.random(in: 0..<1))
        var said: String?
        var pause = 2.0
        while !Task.isCancelled {
            box.alive()
            let owners = await mirror.ownerLabels(noOlderThan: Self.age)
            guard !Task.isCancelled else { return nil }
            let selected = await mirror.selected
            let labels = owners.current.flatMap { _ -> Reading<[String: String]> in
                selected.map { .present($0.labels) } ?? .skipped("the Node has not been read yet")
            }
            guard let problem = config.choice(labels).problem else { return labels.value }
            box.waits(for: "\(problem.code.rawValue): \(problem.observed) \(problem.remedy)")
            if said != problem.observed {
                said = problem.observed
                logger.warning(
                    "the pool of the node is not known, so the agent changes nothing",
                    metadata: [
                        "code": "\(problem.code.rawValue)", "observed": "\(problem.observed)",
                        "remedy": "\(problem.remedy)", "see": "\(problem.code.documentation)",
                    ]
                )
                await save(owners, selected)
            }
            if problem.code == .poolConflict { pause = Self.longestPause }
            try? await Task.sleep(for: .seconds(pause * Double.random(in: 0.5..<1)))
            pause = min(pause * 2, Self.longestPause)
        }
        return nil
    }

    /// Leaves on the host what the daemon knows, for the commands there; in the mode `observe`, it writes nothing.
    private func save(_ owners: OwnerLabels, _ selected: SelectedLabels?) async {
        let modes = daemon.options.mode.map { [$0] } ?? config.variants.map(\.mode)
        guard !modes.contains(.observe) else { return }
        let file = daemon.inspector.prober.published
        var state = await file.load() ?? PublishedState(node: mirror.node)
        if state.node != mirror.node { state = PublishedState(node: mirror.node) }
        let failure = owners.current.failure?.detail
        state.selectedLabels = failure == nil ? selected : nil
        (state.ownerLabels, state.ownerLabelsFailure) = (owners.last, failure)
        do throws(HostError) { try await file.save(state) } catch {
            logger.warning("cannot save the published state", metadata: ["error": "\(errorChain(error))"])
        }
    }
}

extension PoolRounds: CustomStringConvertible {
    /// The name in messages of the service group, which would print the environment of the agent otherwise.
    var description: String { "the settings of a pool" }
}

/// The configuration is not the one with which the daemon started.
struct ConfigurationChanged: CausedError {
    var cause: (any Error)? { nil }

    var description: String {
        "the configuration has changed since the daemon started; the next start reads the new one"
    }
}
