import Host
import NodeModel
import Support
import Synchronization
import SystemPackage

/// Holds what the thread that follows the kernel log has found, until the daemon has stored it.
final class KernelLogInbox: Sendable {
    struct Content: Sendable {
        var messages: [DriverLog.Message] = []
        var lost: UInt64 = 0
        /// The number of the next record; nil when the thread has read none.
        var next: UInt64?
        /// Why the thread ended; nil while it runs.
        var failure: Errno?
    }

    /// The most messages that wait; further ones are lost, and count as such.
    private static let limit = 20_000

    private let content = Mutex(Content())
    private let bell: Bell

    init(bell: Bell) {
        self.bell = bell
    }

    func put(_ batch: KernelLogReader.Batch, next: UInt64) {
        content.withLock { content in
            let room = max(0, Self.limit - content.messages.count)
            content.messages += batch.messages.prefix(room)
            content.lost += batch.lost + UInt64(max(0, batch.messages.count - room))
            content.next = next
        }
        bell.ring()
    }

    func fail(_ failure: Errno) {
        content.withLock { $0.failure = failure }
        bell.ring()
    }

    /// Takes everything out.
    func take() -> Content {
        content.withLock { content in
            defer { (content.messages, content.lost) = ([], 0) }
            return content
        }
    }

    /// Puts back what could not be stored, before what was found in the meantime.
    func putBack(_ earlier: Content) {
        content.withLock { content in
            let all = earlier.messages + content.messages
            content.messages = Array(all.prefix(Self.limit))
            content.lost += earlier.lost + UInt64(all.count - content.messages.count)
        }
    }
}
