import Cluster
import Host
import Kubernetes
import Logging
import PCIBus
import ServiceLifecycle
import Support

/// Rings the bell at a fixed interval.
struct ClockWatcher: Service {
    let interval: Duration
    let wakeUp: WakeUp

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)
                wakeUp.ring()
            }
        }
    }
}

/// Rings the bell when a PCI device comes or goes.
struct DeviceWatcher: Service {
    let wakeUp: WakeUp
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            do throws(DeviceMonitorError) {
                let monitor = try DeviceMonitor()
                defer { monitor.stop() }
                for await _ in monitor.events { wakeUp.ring() }
            } catch {
                logger.warning(
                    "cannot watch for device events, the agent inspects the node at its interval alone",
                    metadata: ["error": "\(errorChain(error))"]
                )
            }
        }
        // A service that ends ends the group: without a monitor this one waits for the shutdown.
        try? await gracefulShutdown()
    }
}

/// Follows the Node, and wakes whoever has to act on a change of it.
struct NodeWatcher: Service {
    let client: KubernetesClient
    let cluster: ClusterLink
    let wakeUp: WakeUp
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var failures = 0
            while !Task.isCancelled {
                // The first look reads the Node; a watch goes on from what it saw.
                guard let version = await cluster.mirror.watchVersion else {
                    try? await Task.sleep(for: .seconds(1))
                    continue
                }
                let began = ContinuousClock.now
                let ended = await follow(from: version, afterFailure: failures > 0)
                // A server that ends each watch at once is not asked again at once.
                let good = ended && ContinuousClock.now - began > .seconds(5)
                failures = good ? 0 : failures + 1
                if failures == 3 { logger.warning("the Node cannot be watched; the clock looks again") }
                let pause = Duration.seconds(min(30, 5 << min(failures - 1, 3))) * Double.random(in: 0.5..<1)
                if failures > 0 { try? await Task.sleep(for: pause) }
            }
        }
    }

    /// Follows one watch to its end, and says whether it ended well.
    private func follow(from version: String, afterFailure: Bool) async -> Bool {
        var isSilent = afterFailure
        for await event in client.watchNodeMetadata(cluster.mirror.node, from: version) {
            if case .failed(let error) = event {
                logger.debug("the watch ended", metadata: ["error": "\(errorChain(error))"])
            } else if isSilent {
                isSilent = false
                await cluster.publisher?.serverAnswers()
            }
            switch await cluster.mirror.observe(event) {
            case .owner: wakeUp.ring()
            case .written: await cluster.publisher?.check()
            case .none: break
            }
            if case .failed = event { return false }
        }
        return true
    }
}

/// Keeps the Node as the last look says, and leaves what it published on the host for commands.
struct PublisherService: Service {
    let publisher: NodePublisher
    let file: PublishedStateFile
    let wakeUp: WakeUp
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await publisher.run { ownersChanged in
                // What was decided without labels that are known by now is decided anew.
                if ownersChanged { wakeUp.ring() }
                do throws(HostError) { try await file.save(publisher.state) } catch {
                    logger.warning("cannot save the published state", metadata: ["error": "\(errorChain(error))"])
                }
            }
        }
    }
}
