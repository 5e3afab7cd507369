import Catalog
import Cluster
import NodeModel
import ServiceLifecycle
import Support
import Synchronization

/// Ends when the labels of the Node select another pool.
final class PoolWatcher: Service {
    private let config: Config
    private let current: PoolChoice
    private let mirror: NodeMirror
    private let changed = Mutex(false)

    init(config: Config, current: PoolChoice, mirror: NodeMirror) {
        self.config = config
        self.current = current
        self.mirror = mirror
    }

    /// Whether the service ended because of the labels.
    var hasChanged: Bool { changed.withLock(\.self) }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            let bell = Bell()
            await self.mirror.ringOnSelection(bell)
            for await _ in bell.calls where !Task.isCancelled {
                guard let labels = await self.mirror.selected?.labels,
                    self.config.choice(.present(labels)) != self.current
                else { continue }
                self.changed.withLock { $0 = true }
                return
            }
        }
    }
}
