package import GPUNode
import Synchronization

/// The last look at the node, for whoever asks the daemon about it.
package final class SnapshotBox: Sendable {
    package struct Snapshot: Sendable {
        package var view: NodeView
        /// When it was taken, in seconds since 1970.
        package var at: Double
        package var requests: [Metrics.APIRequestCount]
    }

    private let box = Mutex<(snapshot: Snapshot?, beat: Double)>((nil, 0))

    package init(startedAt: Double) {
        box.withLock { $0.beat = startedAt }
    }

    package var snapshot: Snapshot? { box.withLock(\.snapshot) }

    /// When the loop last showed life, in seconds since 1970.
    package var beat: Double { box.withLock(\.beat) }

    /// Notes that the loop goes on, also in the middle of a long install.
    package func alive(at time: Double) {
        box.withLock { $0.beat = time }
    }

    package func put(_ snapshot: Snapshot) {
        box.withLock { $0 = (snapshot, snapshot.at) }
    }
}
