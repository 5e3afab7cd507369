import Host
import Logging
import NodeModel
import ServiceLifecycle
import Support

/// Wakes the reconciler when a MIG instance is created or removed, by this agent or by another program.
///
/// The kernel reports no event for it. Without this, the UUIDs of the MIG devices would be those of the last inspection
/// until the next one at the interval.
struct MIGChangeWatcher: Service {
    let root: HostRoot
    let wakeUp: Bell
    var pause = Duration.seconds(10)
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            // The first inspection begins no earlier, so it sees everything that came before.
            var last = await digest()
            // The end of the agent starts no inspection.
            while (try? await Task.sleep(for: pause)) != nil {
                guard let found = await digest() else { continue }
                if let last, last != found {
                    logger.info("the MIG instances of the GPUs changed")
                    wakeUp.ring()
                }
                last = found
            }
        }
    }

    /// The digest of the instances; nil when they cannot be read, which says nothing about a change.
    private func digest() async -> Checksum? {
        let probe = MIGInstanceProbe(root: root)
        return await offPool { try? probe.digest() }
    }
}
