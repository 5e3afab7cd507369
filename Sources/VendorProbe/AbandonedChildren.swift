import Synchronization

/// The child processes that the agent killed and that do not end, because they wait in the driver.
///
/// A process in state `D` cannot be killed, and keeps its memory. So their number has a limit: at the limit, the agent
/// starts no further child process. One that ends after all makes room again.
package final class AbandonedChildren: Sendable {
    /// The number from which on no child process is started.
    ///
    /// Up to eight child processes for CUDA are started together, so a few more are possible.
    package static let limit = 8

    private let number = Mutex(0)

    package init() {}

    /// How many there are now.
    package var count: Int { number.withLock(\.self) }

    func add() { number.withLock { $0 += 1 } }

    func remove() { number.withLock { $0 -= 1 } }
}
