import Agent
import Glibc
import NodeModel
import Planning
import Reporting
import Support
import Synchronization

/// Writes the progress of an install to standard error, a line for each step.
///
/// On a terminal, it also updates a line while a step is running.
final class ProgressPrinter: Sendable {
    private let style: Style
    private let moving: Bool
    private let shown = Mutex((percent: -1, dirty: false))

    init(style: Style) {
        self.style = style
        moving = isatty(STDERR_FILENO) == 1
    }

    func note(_ progress: InstallProgress) {
        switch progress {
        case .started(let step, let number, let count):
            line("[\(number)/\(count)] \(step.title)")
        case .downloaded(let bytes, let total): downloaded(bytes, of: total)
        case .said(let text): if moving { overwrite(style.faint("      \(redacted(text).visible.prefix(100))")) }
        case .finished(let step, let seconds):
            line("      \(style.green("√")) \(step.id.rawValue) \(spoken(seconds: seconds))")
        case .failed(let step, _): line("      \(style.red("×")) \(step.id.rawValue)")
        case .waitingForJob(let name): line("waiting for the job that an earlier agent started (\(name))")

        }
    }

    private func downloaded(_ bytes: Int, of total: Int?) {
        guard moving, let total, total > 0 else { return }
        let percent = bytes * 100 / total
        guard shown.withLock({ $0.percent != percent }) else { return }
        shown.withLock { $0.percent = percent }
        overwrite("      \(percent) % of \(total >> 20) MiB")
    }

    private func overwrite(_ text: String) {
        shown.withLock { $0.dirty = true }
        Output.overwrite(text)
    }

    private func line(_ text: String) {
        let dirty = shown.withLock { state in
            defer { state = (-1, false) }
            return state.dirty
        }
        if dirty { Output.overwrite("") }
        Output.complain(text + "\n")
    }
}
