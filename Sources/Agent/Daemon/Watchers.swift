import Cluster
import Host
package import Kubernetes
package import Logging
import NodeModel
import PCIBus
import ServiceLifecycle
package import Support
import Synchronization

/// Wakes the reconciler at a fixed interval.
struct ClockWatcher: Service {
    let interval: Duration
    let wakeUp: Bell

    func run() async throws {
        await cancelWhenGracefulShutdown {
            // The end of the agent starts no inspection.
            while (try? await Task.sleep(for: interval)) != nil { wakeUp.ring() }
        }
    }
}

/// Wakes the reconciler when the kernel adds or removes a PCI device.
struct DeviceWatcher: Service {
    let wakeUp: Bell
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            do throws(DeviceMonitorError) {
                let monitor = try DeviceMonitor()
                defer { monitor.stop() }
                for await _ in monitor.events { wakeUp.ring() }
            } catch {
                logger.warning(
                    "cannot watch for device events; the agent inspects the node only at the interval (--interval)",
                    metadata: ["error": "\(errorChain(error))"]
                )
            }
        }
        // The service group ends when one of its services ends. So wait for the shutdown, also without a monitor.
        try? await gracefulShutdown()
    }
}

/// Watches the Node, and wakes the reconciler or the publisher when it changes.
package struct NodeWatcher: Service {
    let client: KubernetesClient
    let cluster: ClusterLink
    let wakeUp: Bell
    let logger: Logger

    /// - Parameters:
    ///   - client: The client of the API server.
    ///   - cluster: The copy of the Node, and its publisher.
    ///   - wakeUp: Rings when the Node changed in a way that an inspection must take into account.
    ///   - logger: The logger for failed watches.
    package init(client: KubernetesClient, cluster: ClusterLink, wakeUp: Bell, logger: Logger) {
        self.client = client
        self.cluster = cluster
        self.wakeUp = wakeUp
        self.logger = logger
    }

    /// Watches until the task is canceled, or until the service group shuts down.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var pace = WatchPace()
            var generator = SystemRandomNumberGenerator()
            while !Task.isCancelled {
                // The first inspection reads the Node. The watch starts from the resource version of that read.
                guard let version = await cluster.mirror.watchVersion(afterFailure: pace.failures > 0) else {
                    try? await Task.sleep(for: .seconds(1))
                    continue
                }
                let began = ContinuousClock.now
                await cluster.mirror.watchStarts()
                let error = await follow(from: version, afterFailure: pace.failures > 0)
                let life = ContinuousClock.now - began
                // Pause when the server ends a watch within five seconds, as after a failure.
                guard error != nil || life <= .seconds(5) else {
                    pace.succeeded()
                    continue
                }
                let pause = pace.failed(error, after: life, using: &generator)
                if pace.failures == 3 {
                    logger.warning(
                        "cannot watch the Node; the agent reads it every minute instead",
                        metadata: ["error": "\(error.map { errorChain($0) } ?? "the server ends each watch at once")"]
                    )
                }
                try? await Task.sleep(for: pause)
            }
        }
    }

    /// Follows one watch to its end.
    ///
    /// - Returns: Why the watch failed; nil when it ended without an error.
    private func follow(from version: String, afterFailure: Bool) async -> KubernetesError? {
        var isSilent = afterFailure
        for await event in client.watchNode(cluster.mirror.node, from: version) {
            if case .failed(let error) = event {
                logger.debug("the watch ended", metadata: ["error": "\(errorChain(error))"])
            } else if isSilent {
                isSilent = false
                await cluster.publisher?.serverAnswers()
            }
            switch await cluster.mirror.observe(event) {
            case .owner, .devices: wakeUp.ring()
            case .written: await cluster.publisher?.check()
            case .none: break
            }
            if case .failed(let error) = event { return error }
        }
        return nil
    }
}

/// Runs the publisher, and saves the published state on the host for `gpu-agent status`.
///
/// The group ends this service first, so that its last write has the most time.
struct PublisherService: Service {
    let publisher: NodePublisher
    let file: PublishedStateFile
    let box: SnapshotBox
    let wakeUp: Bell
    let logger: Logger

    func run() async throws {
        let saved = Mutex<PublishedState?>(nil)
        await cancelWhenGracefulShutdown {
            await publisher.run { inputsChanged in
                // The last inspection did not take the new labels and devices of the Node into account.
                if inputsChanged { wakeUp.ring() }
                await save(over: saved)
            }
        }
        await publisher.end()
        await save(over: saved)
    }

    private func save(over saved: borrowing Mutex<PublishedState?>) async {
        let state = await publisher.state
        box.published = state
        // Another client can change the Node many times per second. Such a change rarely changes the file.
        guard saved.withLock({ $0.map { state.isNews(after: $0) } ?? true }) else { return }
        do throws(HostError) {
            try await file.save(state)
            saved.withLock { $0 = state }
            // The first requests over TLS read much of the program. Now the agent only waits for changes.
            giveBackMemory()
        } catch {
            logger.warning("cannot save the published state", metadata: ["error": "\(errorChain(error))"])
        }
    }
}

extension PublishedState {
    /// Whether the state differs from an earlier one by more than a minute of its time.
    fileprivate func isNews(after earlier: PublishedState) -> Bool {
        var same = self
        if let at, let before = earlier.at, at.seconds - before.seconds < 60 { same.at = before }
        return same != earlier
    }
}
