import FoundationEssentials
import Host
import NodeModel
import Planning
import Support

extension HostChange {
    /// Waits for jobs that an earlier agent left running, and records their end in the journal.
    ///
    /// Otherwise, this agent could start a second installer while the first one still runs. So it waits for every job
    /// that runs, also when the journal does not name it or is malformed.
    ///
    /// - Parameters:
    ///   - failure: The message when the agent cannot read or write its files.
    ///   - keepsJournal: Whether a journal that is malformed stays in its place. Otherwise, it is moved aside.
    /// - Throws: The finding when the agent cannot use its files, or when a job does not end in time.
    func settle(_ failure: StepFailure, keepsJournal: Bool = false) async throws(AgentFailure) {
        do throws(HostError) {
            try await store.removeDrafts()
            do throws(HostError) { try await settleJournal() } catch {
                guard case .malformed(store.path, _) = error else { throw error }
                // A caller that keeps the journal cannot use it, and so changes nothing.
                guard !keepsJournal else { return }
                try await store.quarantine()
            }
            for job in try await HostJob.running(on: root, commands) { _ = try await end(of: job) }
            try await removeWork()
        } catch { throw error.failure(failure) }
    }

    /// Waits for the jobs that the journal names, and records the end of those that succeeded.
    private func settleJournal() async throws(HostError) {
        guard var journal = try await store.load() else { return }
        for unfinished in journal.unfinishedJobs {
            let job = try job(unfinished.name)
            guard try await end(of: job) == .finished(status: 0) else { continue }
            journal.end(unfinished.step, at: Timestamp(now()), isMeasured: false)
            try await store.save(journal)
        }
        // A step ahead of a boot forgets its own job, and no step comes after it that would. An agent that was killed in
        // it did not, and the facts say that nothing is left to do.
        for step in journal.steps where StepID.ahead.contains(step.step) && step.state == .done {
            guard let job = try step.job.map(job), case .finished = try await job.state() else { continue }
            try await job.forget()
        }
    }

    /// The job of this name, which is from the journal.
    private func job(_ name: String) throws(HostError) -> HostJob {
        do throws(HostError) { return try HostJob(name, root: root, commands: commands) } catch {
            throw .malformed(store.path, cause: error)
        }
    }

    /// Waits for the end of a job, and reports its output.
    private func end(of job: HostJob) async throws(HostError) -> HostJob.Outcome {
        if case .running = try await job.state() { progress(.waitingForJob(job.name)) }
        let progress = progress
        let (record, longestJob) = (await offPool { job.record }, longestJob)
        // It has had a part of its time already. One that somebody kills now needs a moment.
        let rest = record?.rest(at: .now(), longest: longestJob) ?? longestJob
        let patience = min(max(rest, Self.patienceAtTheEnd), longestJob)
        do throws(HostError) { return try await job.wait(deadline: patience) { progress(.said($0)) } } catch {
            guard case .jobDeadline(let running, limit: _) = error, let record else { throw error }
            throw .jobDeadline(running, limit: record.limit(longest: longestJob))
        }
    }

    /// How long to wait for a job that has passed its deadline.
    private static let patienceAtTheEnd = Duration.seconds(10)

    /// Removes the directory for temporary files, which no job uses now.
    ///
    /// An interrupted step leaves it, and while it exists, the udev rule of the agent does nothing. Each step that needs the
    /// directory creates it.
    private func removeWork() async throws(HostError) {
        let root = root
        try await offPool { () throws(HostError) in
            for path in [HostLayout.work, HostLayout.workInUsr].map(HostPath.init(stringLiteral:))
            where try root.status(path, followLink: false) != nil {
                try root.removeTree(path)
            }
        }
    }
}
