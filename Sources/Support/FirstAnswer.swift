import Synchronization

/// Waits for the first of several answers and drops the others.
///
/// Unlike a task group, it does not wait for the late ones. Only one caller may wait, and only once.
package final class FirstAnswer<Value: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Value, Never>)
        case given(Value)
    }

    private let state = Mutex(State.open)

    package init() {}

    /// Whether an answer was given, so that work which has not started yet can be skipped.
    package var isGiven: Bool {
        state.withLock { state in
            guard case .given = state else { return false }
            return true
        }
    }

    /// Gives an answer; every answer after the first is dropped.
    package func give(_ value: Value) {
        let waiting: CheckedContinuation<Value, Never>? = state.withLock { state in
            switch state {
            case .open:
                state = .given(value)
                return nil
            case .awaited(let continuation):
                state = .given(value)
                return continuation
            case .given: return nil
            }
        }
        waiting?.resume(returning: value)
    }

    /// Waits for the first answer.
    ///
    /// - Parameters:
    ///   - limit: How long to wait.
    ///   - late: The result when no answer came within the limit.
    ///   - cancelled: The result when the waiting task is canceled; with nil, the wait continues in that case.
    /// - Returns: The first answer, `late` or `cancelled`.
    @discardableResult
    package func answer(within limit: Duration, otherwise late: Value, whenCancelled cancelled: Value?) async -> Value {
        let timer = Task {
            if (try? await Task.sleep(for: limit)) != nil { give(late) }
        }
        defer { timer.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { wait($0) }
        } onCancel: {
            if let cancelled { give(cancelled) }
        }
    }

    private func wait(_ continuation: CheckedContinuation<Value, Never>) {
        let given: Value? = state.withLock { state in
            if case .given(let value) = state { return value }
            state = .awaited(continuation)
            return nil
        }
        if let given { continuation.resume(returning: given) }
    }
}
