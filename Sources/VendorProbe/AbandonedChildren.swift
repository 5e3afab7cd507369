import Glibc
import Synchronization

/// The child processes of agents that were killed and do not end, because they wait in the driver.
///
/// A process in state `D` cannot be killed, and keeps its memory. So their number has a limit on each host: at the limit,
/// an agent starts no further child process. One that ends after all makes room again.
package final class AbandonedChildren: Sendable {
    /// The number from which on no child process is started.
    ///
    /// Up to eight child processes for CUDA are started together, and several agents can run, so a few more are possible.
    package static let limit = 8

    /// How long a process that was killed may take to end before it counts.
    private static let patience = Duration.milliseconds(100)

    private struct State {
        /// Those that this agent left behind.
        var own: Set<pid_t> = []
        /// Those of other agents at the last look, also of agents that ended.
        var others: Set<pid_t> = []
    }

    private let state = Mutex(State())
    private let processes: KilledProcesses

    /// - Parameter proc: The directory with the processes of the host.
    package init(proc: String = "/proc") {
        processes = KilledProcesses(proc: proc)
    }

    /// How many there are: those of this agent now, and those of others at the last look.
    package var count: Int { state.withLock { $0.own.union($0.others).count } }

    func add(_ process: pid_t) { state.withLock { _ = $0.own.insert(process) } }

    func remove(_ process: pid_t) {
        state.withLock { state in
            state.own.remove(process)
            state.others.remove(process)
        }
    }

    /// How many there are when those that end within `patience` are gone.
    func count(after patience: Duration) -> Int {
        let end = ContinuousClock.now + patience
        while count > 0, ContinuousClock.now < end {
            Self.pause()
            look()
        }
        return count
    }

    /// Looks for the processes that other agents left behind.
    func look() {
        var found = processes.all()
        if !found.isEmpty {
            // An agent can have killed a process a moment ago, which ends now.
            Self.pause()
            found.formIntersection(processes.all())
        }
        state.withLock { $0.others = found.subtracting($0.own) }
    }

    private static func pause() { usleep(UInt32(patience / .microseconds(1))) }
}
