import Agent
import Glibc
import NodeModel
import Planning
import Reporting
import Support
import Synchronization

/// Writes the progress of an install to standard error, a line for each step.
///
/// On a terminal, another line shows each second how far the running step is. Elsewhere, such as in the log of a pipeline,
/// the lines that the step prints follow, indented.
final class ProgressPrinter: Sendable {
    private struct State {
        var progress: StepProgress?
        var began = ContinuousClock.now
        var isShown = false
        var ticker: Task<Void, Never>?
        var output = StepOutput()

        var seconds: Double { began.duration(to: .now) / .seconds(1) }
    }

    private let style: Style
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let state = Mutex(State())

    init(style: Style) {
        self.style = style
        guard isTerminal else { return }
        let ticker = Task { [weak self] in
            while (try? await Task.sleep(for: .seconds(1))) != nil { self?.show() }
        }
        state.withLock { $0.ticker = ticker }
    }

    func note(_ progress: InstallProgress) {
        switch progress {
        case .started(let step, let number, let count, let usual):
            let estimate = usual.flatMap { $0 < 10 ? nil : style.faint(" (\(spoken(seconds: $0)) last time)") } ?? ""
            line("[\(number)/\(count)] \(step.title)\(estimate)", then: StepProgress(usualSeconds: usual))
        case .downloaded(let bytes, let total):
            state.withLock { state in
                let seconds = state.seconds
                state.progress?.take(received: bytes, total: total, after: seconds)
            }
        case .said(let text): say(text)
        case .noted(let text): line("      ! \(text)", then: StepProgress())
        case .finished(let step, let seconds):
            line("      \(style.green("√")) \(step.id.rawValue) \(spoken(seconds: seconds))")
        case .failed(let step, _): line("      \(style.red("×")) \(step.id.rawValue)")
        case .waitingForJob(let name):
            line("waiting for the job that an earlier agent started (\(name))", then: StepProgress())
        case .waitingForLock(let holder):
            line("waiting for another process that changes the host (\(holder))", then: StepProgress())
        }
    }

    /// Ends the line of the running step.
    func end() {
        state.withLock { state in
            state.ticker?.cancel()
            clear(&state)
            state.progress = nil
        }
    }

    private func show() {
        state.withLock { state in
            guard let progress = state.progress else { return }
            state.isShown = true
            Output.overwrite(
                style.faint("      \(progress.text(after: state.seconds).prefix(max(20, Output.columns - 7)))")
            )
        }
    }

    private func line(_ text: String, then next: StepProgress? = nil) {
        state.withLock { state in
            clear(&state)
            if !isTerminal, let more = state.output.leftOut { Output.complain("        (\(more))\n") }
            (state.progress, state.began, state.output) = (next, .now, StepOutput())
            Output.complain(text + "\n")
        }
    }

    /// Takes a line that the step printed.
    private func say(_ text: String) {
        state.withLock { state in
            state.progress?.lastLine = text
            guard !isTerminal, let shown = state.output.take(text) else { return }
            Output.complain("        \(shown)\n")
        }
    }

    private func clear(_ state: inout State) {
        if state.isShown { Output.overwrite("") }
        state.isShown = false
    }
}
