import Synchronization

/// How long at least one child process has called the driver.
///
/// The time in which a child process starts does not count. On a busy machine it is long, and nothing hangs.
final class CallTime: Sendable {
    private struct State {
        var running = 0
        var since = ContinuousClock.now
        var sum = Duration.zero
    }

    private let state = Mutex(State())

    /// The sum until now.
    var sum: Duration {
        state.withLock { $0.running > 0 ? $0.sum + $0.since.duration(to: .now) : $0.sum }
    }

    /// Counts the time of `work`; that of calls side by side counts once.
    func counting<Result>(_ work: () -> Result) -> Result {
        state.withLock { state in
            if state.running == 0 { state.since = .now }
            state.running += 1
        }
        defer {
            state.withLock { state in
                state.running -= 1
                if state.running == 0 { state.sum += state.since.duration(to: .now) }
            }
        }
        return work()
    }
}
