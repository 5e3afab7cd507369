import Glibc
import Reporting
import Synchronization

/// A line on the terminal that says what the command waits for, once it takes longer than a second.
///
/// It goes to standard error, and only when that is a terminal.
final class WaitingLine: Sendable {
    private struct State {
        var text: String?
        var since = ContinuousClock.now
        var isShown = false
        var task: Task<Void, Never>?
    }

    private let style: Style
    private let state = Mutex(State())

    init(style: Style) {
        self.style = style
        guard isatty(STDERR_FILENO) == 1 else { return }
        let task = Task { [weak self] in
            while (try? await Task.sleep(for: .seconds(1))) != nil { self?.update() }
        }
        state.withLock { $0.task = task }
    }

    /// Says what the command waits for from now on.
    func show(_ text: String) {
        state.withLock { state in
            state.text = text
            state.since = .now
        }
    }

    /// Removes the line.
    func end() {
        state.withLock { state in
            state.task?.cancel()
            if state.isShown { Output.complain("\r\u{1B}[K") }
            state.text = nil
            state.isShown = false
        }
    }

    private func update() {
        state.withLock { state in
            guard let text = state.text else { return }
            let seconds = state.since.duration(to: .now).components.seconds
            guard seconds > 0 else { return }
            state.isShown = true
            Output.complain("\r\u{1B}[K" + style.faint("waiting for \(text), \(seconds) s"))
        }
    }
}
