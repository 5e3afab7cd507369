import Cluster
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
                logger.warning("devices are not watched; the clock looks again", metadata: ["error": "\(error)"])
            }
        }
        // A service that ends ends the group: without a monitor this one waits for the shutdown.
        try? await gracefulShutdown()
    }
}

/// Rings the bell when somebody changes what the agent put on its Node.
struct NodeWatcher: Service {
    let client: KubernetesClient
    let mirror: NodeMirror
    let wakeUp: WakeUp
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var failures = 0
            while !Task.isCancelled {
                // The first look reads the Node; a watch goes on from what it saw.
                guard let version = await mirror.watchVersion else {
                    try? await Task.sleep(for: .seconds(1))
                    continue
                }
                let began = ContinuousClock.now
                let ended = await follow(from: version)
                // A server that ends each watch at once is not to be asked again at once.
                let good = ended && ContinuousClock.now - began > .seconds(5)
                failures = good ? 0 : failures + 1
                if failures == 3 { logger.warning("the node cannot be watched; the clock looks again") }
                let pause = Duration.seconds(min(60, 1 << min(failures, 6))) * Double.random(in: 0.5..<1)
                if failures > 0 { try? await Task.sleep(for: pause) }
            }
        }
    }

    /// Follows one watch to its end; whether it ended well.
    private func follow(from version: String) async -> Bool {
        for await event in client.watchNodeMetadata(mirror.node, from: version) {
            if await mirror.observe(event) { wakeUp.ring() }
            if case .failed(let error) = event {
                logger.debug("the watch ended", metadata: ["error": "\(errorChain(error))"])
                return false
            }
        }
        return true
    }
}
