import Synchronization

/// Rings the bell some time after the cluster did not answer: after seconds at first, then up to a minute.
///
/// Each delay is drawn at random from the upper half of the limit, so that nodes that failed together do not come back
/// together.
package final class ClusterRetry: Sendable {
    private let wakeUp: WakeUp
    private let state = Mutex<(limit: Duration, pending: Task<Void, Never>?)>((.zero, nil))

    package init(wakeUp: WakeUp) {
        self.wakeUp = wakeUp
    }

    package func failed() {
        let wakeUp = wakeUp
        state.withLock { state in
            state.limit = min(.seconds(60), max(.seconds(4), state.limit * 2))
            state.pending?.cancel()
            let delay = state.limit * Double.random(in: 0.5..<1)
            state.pending = Task {
                do { try await Task.sleep(for: delay) } catch { return }
                wakeUp.ring()
            }
        }
    }

    package func succeeded() {
        state.withLock { state in
            state.pending?.cancel()
            state = (.zero, nil)
        }
    }

    package func cancel() {
        state.withLock { $0.pending?.cancel() }
    }
}
