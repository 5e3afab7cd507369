import NodeModel
import Support
import Synchronization

/// Holds the events of NVML until the daemon has stored them.
final class NVMLEventInbox: Sendable {
    struct Entry: Sendable, Equatable {
        var event: NVMLEvent
        /// When NVML reported it.
        var at: Timestamp
    }

    /// The most events that wait; further ones are lost, and the same Xid of a GPU is one error anyway.
    private static let limit = 1000

    private let entries = Mutex<[Entry]>([])
    let bell = Bell()

    func put(_ event: NVMLEvent, at time: Timestamp) {
        entries.withLock { if $0.count < Self.limit { $0.append(Entry(event: event, at: time)) } }
        bell.ring()
    }

    /// Takes everything out.
    func take() -> [Entry] {
        entries.withLock { entries in
            defer { entries = [] }
            return entries
        }
    }

    /// Puts back what could not be stored, before what came in the meantime.
    func putBack(_ earlier: [Entry]) {
        entries.withLock { $0 = Array((earlier + $0).prefix(Self.limit)) }
        bell.ring()
    }
}
