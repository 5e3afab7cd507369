package import NodeModel
package import Reporting
import Support
import Synchronization

/// Holds the last view of the node for the health server, and the time of the last progress.
package final class SnapshotBox: Sendable {
    /// What the health server knows about the last inspection of the node.
    package struct Snapshot: Sendable {
        package var view: NodeView
        /// The time of the inspection, in seconds since 1970-01-01 00:00 UTC.
        package var at: Double
        /// The number of requests to the API server until then.
        package var requests: [Metrics.APIRequestCount]
        /// Whether the metrics have the temperature, the power and the use of each GPU.
        package var showsGPUs = false
    }

    // The time of progress uses a monotonic clock, so that a change of the host's time does not fail `/healthz`.
    private let box = Mutex<(snapshot: Snapshot?, beat: ContinuousClock.Instant)>((nil, .now))
    private let publication = Mutex<PublishedState?>(nil)
    private let record = Mutex<BootRecord?>(nil)
    private let wait = Mutex<String?>(nil)

    package init() {}

    /// The result of the last attempt to publish; nil before the first one.
    package var published: PublishedState? {
        get { publication.withLock(\.self) }
        set { publication.withLock { $0 = newValue } }
    }

    /// What happened since the boot; nil when the agent does not record it.
    package var boot: BootRecord? {
        get { record.withLock(\.self) }
        set { record.withLock { $0 = newValue } }
    }

    /// What the daemon waits for before it inspects the node, as a sentence; nil when it waits for nothing.
    package var awaited: String? { wait.withLock(\.self) }

    /// Records that the daemon waits, and that what it knew of the node no longer counts.
    package func waits(for what: String) {
        wait.withLock { $0 = what }
        box.withLock { $0 = (nil, .now) }
    }

    /// The last snapshot; nil before the first inspection.
    package var snapshot: Snapshot? { box.withLock(\.snapshot) }

    /// How long ago the reconciler last made progress.
    package var silence: Duration { ContinuousClock.now - box.withLock(\.beat) }

    /// Records that the reconciler makes progress, also during a long install.
    package func alive() {
        box.withLock { $0.beat = .now }
    }

    /// Replaces the snapshot, and records that the reconciler makes progress.
    package func put(_ snapshot: Snapshot) {
        wait.withLock { $0 = nil }
        box.withLock { $0 = (snapshot, .now) }
    }
}
