import FoundationEssentials
package import Host
import NodeModel
import Planning
import Support

/// One install from the first look to the last: lock, settle, plan, execute, verify.
package struct InstallRun: Sendable {
    let inspector: Inspector
    let commands: HostCommands
    let downloader: Downloader
    /// How long the check at the end waits for a node to become good.
    let patience: Duration
    let progress: @Sendable (InstallProgress) -> Void

    package init(
        inspector: Inspector,
        commands: HostCommands,
        downloader: Downloader,
        patience: Duration = Verification.patience,
        progress: @escaping @Sendable (InstallProgress) -> Void
    ) {
        self.inspector = inspector
        self.commands = commands
        self.downloader = downloader
        self.patience = patience
        self.progress = progress
    }

    private var root: HostRoot { inspector.prober.root }
    private var store: JournalStore { JournalStore(root: root) }

    /// Brings the node to its decision and gives the last look at it.
    ///
    /// Fails with what stands in the way or with the step that failed; the journal on the host then says the same.
    package func run(lockDeadline: Duration) async throws(AgentFailure) -> NodeView {
        let lock: HostLock
        do throws(HostError) { lock = try await HostLock.acquire(on: root, deadline: lockDeadline) } catch {
            throw error.failure(.state)
        }
        defer { lock.release() }
        try await settle()
        let view = await inspector.look()
        let obstacles = view.plan.obstacles
        if let first = obstacles.first { throw AgentFailure(first, others: Array(obstacles.dropFirst())) }
        guard !view.plan.steps.isEmpty else { return view }
        try await execute(view.plan.steps, view.journal ?? Journal())
        return await inspector.look()
    }

    /// Waits for a job that an agent before this one left running, and notes its end in the journal.
    ///
    /// Without this an agent that was killed in the middle would start a second installer beside the first.
    private func settle() async throws(AgentFailure) {
        do throws(HostError) {
            try await store.removeDrafts()
            guard var journal = try await store.load() else { return }
            for unfinished in journal.unfinishedJobs {
                let job: HostJob
                do throws(HostError) {
                    job = try HostJob(unfinished.name, root: root, commands: commands)
                } catch { throw .malformed(store.path, cause: error) }
                if case .running = try await job.state() { progress(.waitingForJob(job.name)) }
                let progress = progress
                let outcome = try await job.wait(deadline: .seconds(1800)) { progress(.said($0)) }
                guard outcome == .finished(status: 0) else { continue }
                journal.end(unfinished.step, at: Timestamp(now()))
                try await store.save(journal)
            }
        } catch {
            guard case .malformed(store.path, _) = error else { throw error.failure(.state) }
            do throws(HostError) { _ = try await store.quarantine() } catch { throw error.failure(.state) }
        }
    }

    private func execute(_ steps: [PlannedStep], _ journal: Journal) async throws(AgentFailure) {
        let verification = Verification(look: inspector.look, patience: patience)
        let executor = Executor(
            root: root,
            commands: commands,
            downloader: downloader,
            progress: progress,
            verify: verification.problem
        )
        var journal = journal
        journal.settleCutOffSteps(missingIn: steps.map(\.id))
        for (index, step) in steps.enumerated() {
            progress(.started(step, number: index + 1, of: steps.count))
            journal.begin(step, at: Timestamp(now()))
            // The first step writes the record itself: before it the journal is about the install before.
            if step.id != .begin { try await save(journal) }
            let began = ContinuousClock.now
            do throws(AgentFailure) { try await executor.execute(step, &journal) } catch {
                // An agent that is told to stop leaves the journal as one that is killed: the next one goes on there.
                guard !Task.isCancelled else { throw error }
                journal.end(step.id, at: Timestamp(now()), failure: error.problem)
                try await save(journal)
                progress(.failed(step, error.problem))
                throw error
            }
            journal.end(step.id, at: Timestamp(now()))
            try await save(journal)
            progress(.finished(step, seconds: (ContinuousClock.now - began).seconds))
        }
    }

    private func save(_ journal: Journal) async throws(AgentFailure) {
        do throws(HostError) { try await store.save(journal) } catch { throw error.failure(.state) }
    }
}

extension Inspector {
    /// Installs from the command line.
    package func install(
        environment: [String: String],
        lockDeadline: Duration,
        progress: @escaping @Sendable (InstallProgress) -> Void
    ) async throws(AgentFailure) -> NodeView {
        guard let commands = prober.commands else {
            throw AgentFailure(
                Finding(
                    .hostUnreachable,
                    observed: "no command can be run on the host",
                    expected: "root, and a host process to enter (--host-pid)",
                    remedy: "run as root; in a pod, set hostPID: true and privileged: true"
                )
            )
        }
        // The operator asks for it: a cluster that does not answer does not hold it back. What is known still counts.
        var inspector = self
        inspector.owners = OperatorsWord(known: owners)
        let run = InstallRun(
            inspector: inspector,
            commands: commands,
            downloader: Downloader(proxies: ProxySettings(environment: environment)),
            progress: progress
        )
        return try await run.run(lockDeadline: lockDeadline)
    }
}

/// What counts as the owner of the driver when an operator asks for an install: a Node that cannot be read does not hold
/// it back, and an owner that is known still does.
private struct OperatorsWord: OwnerLabelSource {
    let known: any OwnerLabelSource

    func ownerLabels() async -> OwnerLabels {
        let labels = await known.ownerLabels()
        guard let why = labels.current.failure else { return labels }
        let reason = "the Node cannot be read (\(why.detail)), and an operator asked for the install"
        return OwnerLabels(.skipped(reason), last: labels.last)
    }
}
