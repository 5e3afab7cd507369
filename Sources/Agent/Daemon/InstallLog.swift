import Logging
import NodeModel
import Reporting
import Synchronization

/// Writes the progress of an install to the log, with the output of its jobs.
final class InstallLog: Sendable {
    private struct State {
        /// The step or job that prints now.
        var place: Logger.Metadata = [:]
        var output = StepOutput()
    }

    private let logger: Logger
    private let box: SnapshotBox
    private let state = Mutex(State())

    init(logger: Logger, box: SnapshotBox) {
        self.logger = logger
        self.box = box
    }

    func note(_ progress: InstallProgress) {
        box.alive()
        switch progress {
        case .started(let step, let number, let count, usual: _):
            begin(["step": "\(step.id.rawValue)"])
            logger.notice("step started", metadata: ["step": "\(step.id.rawValue)", "number": "\(number)/\(count)"])
        case .downloaded(let bytes, total: _): logger.debug("downloading", metadata: ["bytes": "\(bytes)"])
        case .said(let line): say(line)
        case .noted(let text): logger.warning("\(text)")
        case .finished(let step, let seconds):
            begin([:])
            logger.notice("step done", metadata: ["step": "\(step.id.rawValue)", "seconds": "\(seconds)"])
        case .failed(let step, let problem):
            begin([:])
            logger.error("step failed", metadata: ["step": "\(step.id.rawValue)", "code": "\(problem.code.rawValue)"])
        case .waitingForJob(let name):
            begin(["job": "\(name)"])
            logger.notice("a job that an earlier agent started is still running", metadata: ["job": "\(name)"])
        case .waitingForLock(let holder):
            logger.notice("another process changes the host", metadata: ["process": "\(holder)"])
        }
    }

    /// Says how much of the output before is left out, and begins with that of another step.
    private func begin(_ place: Logger.Metadata) {
        let before = state.withLock { state in
            defer { state = State(place: place) }
            return state
        }
        guard let more = before.output.leftOut else { return }
        let metadata = before.place.merging(["left-out": "\(more)"]) { $1 }
        logger.info("the log does not have all output", metadata: metadata)
    }

    private func say(_ line: String) {
        let (shown, place) = state.withLock { ($0.output.take(line), $0.place) }
        guard let shown else { return }
        logger.info("output", metadata: place.merging(["line": "\(shown)"]) { $1 })
    }
}
