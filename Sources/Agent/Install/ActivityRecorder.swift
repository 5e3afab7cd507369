import NodeModel
import Support
import Synchronization

/// Saves the progress of an install as the activity of the host.
///
/// A download reports progress many times a second, so the file is written at most once a second.
final class ActivityRecorder: Sendable {
    private let file: ActivityFile
    private let pause: Duration
    private let latest = Mutex<Activity?>(nil)
    private let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation

    init(_ file: ActivityFile, pause: Duration = .seconds(1)) {
        self.file = file
        self.pause = pause
        (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Takes a report of the install.
    func note(_ progress: InstallProgress) {
        latest.withLock { $0 = Activity.after(progress, $0, at: Timestamp(now())) }
        changed.yield()
    }

    /// Records while `work` runs, and removes the activity after it.
    ///
    /// When the agent is stopped, or a job has passed its deadline, the activity stays: the installer that it describes
    /// goes on.
    func during<Value: Sendable>(
        _ work: () async throws(AgentFailure) -> Value
    ) async throws(AgentFailure) -> Value {
        let writer = Task { await write() }
        let result: Result<Value, AgentFailure>
        do throws(AgentFailure) { result = .success(try await work()) } catch { result = .failure(error) }
        writer.cancel()
        await writer.value
        var goesOn = Task.isCancelled
        if case .failure(let failure) = result, failure.leavesJobRunning { goesOn = true }
        if goesOn { await save() } else { await file.remove() }
        return try result.get()
    }

    private func write() async {
        for await _ in changes {
            await save()
            try? await Task.sleep(for: pause)
        }
    }

    private func save() async {
        // Nothing depends on it: without the file, `status` shows less.
        if let activity = latest.withLock(\.self) { try? await file.save(activity) }
    }
}

extension Activity {
    /// The activity after a report of an install; `previous` is the activity before it.
    static func after(_ progress: InstallProgress, _ previous: Activity?, at time: Timestamp) -> Activity? {
        var activity = previous
        switch progress {
        case .started(let step, _, _, let usual):
            activity = Activity(kind: .step, subject: step.title, since: time)
            activity?.usualSeconds = usual
        case .waitingForJob(let name): return Activity(kind: .job, subject: name, since: time)
        case .downloaded(let bytes, let total):
            activity?.receivedBytes = bytes
            activity?.totalBytes = total
        case .said(let line):
            activity?.lastLine = redacted(line).visible.shortened(to: 200)
            activity?.lastLineAt = time
        case .noted, .finished, .failed, .waitingForLock: break
        }
        return activity
    }
}
