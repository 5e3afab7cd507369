package import Reporting
import Support
import Synchronization

/// The last look at the node, for whoever asks the daemon about it.
package final class SnapshotBox: Sendable {
    package struct Snapshot: Sendable {
        package var view: NodeView
        /// When it was taken, in seconds since 1970.
        package var at: Double
        package var requests: [Metrics.APIRequestCount]
    }

    // A clock that nobody sets: a step of the host's time must not make the agent look dead.
    private let box = Mutex<(snapshot: Snapshot?, beat: ContinuousClock.Instant)>((nil, .now))

    package init() {}

    package var snapshot: Snapshot? { box.withLock(\.snapshot) }

    /// How long ago the loop showed life.
    package var silence: Duration { ContinuousClock.now - box.withLock(\.beat) }

    /// Notes that the loop goes on, also in the middle of a long install.
    package func alive() {
        box.withLock { $0.beat = .now }
    }

    package func put(_ snapshot: Snapshot) {
        box.withLock { $0 = (snapshot, .now) }
    }
}
