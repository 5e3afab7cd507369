import NodeModel
import Synchronization

/// A download that began during the step before its own.
///
/// Nobody sees its progress until its own step begins. A failure is told at once.
final class EarlyDownload: Sendable {
    typealias Report = @Sendable (InstallProgress) -> Void

    private struct State {
        var file: Effect.Download
        var task: Task<AgentFailure?, Never>
    }

    private let state = Mutex<State?>(nil)
    private let report = Mutex<Report?>(nil)

    /// Begins a download.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - failed: Gets a failure that comes before the step of the download begins.
    ///   - download: Downloads the file, and returns why it failed; nil when the file is there.
    func begin(
        _ file: Effect.Download,
        failed: @escaping @Sendable (AgentFailure) -> Void,
        _ download: @escaping @Sendable (@escaping Report) async -> AgentFailure?
    ) {
        let task = Task {
            let failure = await download { event in self.report.withLock(\.self)?(event) }
            if let failure, !Task.isCancelled, report.withLock({ $0 == nil }) { failed(failure) }
            return failure
        }
        state.withLock { $0 = State(file: file, task: task) }
    }

    /// Waits for the end of the download of this file.
    ///
    /// - Returns: Whether the download of this file began before.
    /// - Throws: Why the download failed.
    func end(_ file: Effect.Download, _ progress: @escaping Report) async throws(AgentFailure) -> Bool {
        guard let task = state.withLock({ $0?.file == file ? $0?.task : nil }) else { return false }
        report.withLock { $0 = progress }
        let failure = await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        state.withLock { $0 = nil }
        if let failure { throw failure }
        return true
    }

    /// Stops the download, which a later install continues.
    func stop() async {
        let task = state.withLock { state in
            defer { state = nil }
            return state?.task
        }
        task?.cancel()
        _ = await task?.value
    }
}
