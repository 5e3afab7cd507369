package import Host
package import NodeModel
package import Planning
import Selection
import Support

/// One uninstall: take the lock, settle unfinished jobs, plan, and undo the steps of the journal.
///
/// The journal loses each step as soon as it is undone, so an uninstall that is killed continues with the next run.
package struct UninstallRun: Sendable {
    let prober: Prober
    let commands: HostCommands
    /// The pod that this process runs in, for a process that waits for the lock; nil outside of a pod.
    let pod: String?
    /// The longest that the run waits for one job of the host.
    let longestJob: Duration
    let progress: @Sendable (InstallProgress) -> Void

    package init(
        prober: Prober,
        commands: HostCommands,
        pod: String? = nil,
        longestJob: Duration? = nil,
        progress: @escaping @Sendable (InstallProgress) -> Void
    ) {
        self.prober = prober
        self.commands = commands
        self.pod = pod
        self.longestJob = longestJob ?? HostChange.longestJob
        self.progress = progress
    }

    /// Uninstalls the driver, and returns what was done and what is left.
    ///
    /// - Throws: The problems of the plan before anything is changed, or the finding of the step that failed. The journal
    ///   on the host then has the finding of the step, too.
    package func run(lockDeadline: Duration) async throws(AgentFailure) -> Uninstall {
        let change = HostChange(
            root: prober.root,
            commands: commands,
            pod: pod,
            longestJob: longestJob,
            progress: progress
        )
        return try await change.run(lockDeadline: lockDeadline, failure: .uninstall) {
            (change) async throws(AgentFailure) in try await uninstall(change)
        }
    }

    private func uninstall(_ change: HostChange) async throws(AgentFailure) -> Uninstall {
        try await change.settle(.uninstall, keepsJournal: true)
        var (plan, journal) = await prober.uninstall()
        let end = ContinuousClock.now + HostChange.patienceWithAgents
        while plan.waitsForAgent, ContinuousClock.now < end, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(500))
            (plan, journal) = await prober.uninstall()
        }
        if let first = plan.problems.first { throw AgentFailure(first, others: Array(plan.problems.dropFirst())) }
        guard plan.nothing == nil else { return plan }
        // The pods of the GPU Operator must not find a driver that is about to go.
        try await prober.withdrawHandover()
        let logs = try await undo(plan, journal ?? Journal(), change)
        if let log = logs[.removeBuildPackages] { plan.settlePackages(log) }
        if let log = logs[.removeFabricManager] { plan.settleFabricManager(log) }
        return plan
    }

    /// - Returns: The output of the jobs that can leave something, by step.
    private func undo(
        _ plan: Uninstall,
        _ before: Journal,
        _ change: HostChange
    ) async throws(AgentFailure) -> [StepID: String] {
        let executor = Executor(
            root: change.root,
            commands: commands,
            downloader: Downloader(),
            progress: change.progress,
            longestJob: longestJob,
            verify: { [versions = [plan.version, before.record?.version, before.record?.replaces]] _ in
                await remains(of: versions.compactMap(\.self))
            }
        )
        var journal = before
        if journal.uninstall?.state != .started {
            journal.uninstall = UninstallRecord(version: plan.version, startedAt: Timestamp(now()))
        }
        let count = plan.steps.count
        var number = 0
        var logs: [StepID: String] = [:]
        for entry in plan.entries {
            for step in entry.steps {
                number += 1
                let usual = before.durations?[step.id.rawValue]
                change.progress(.started(step, number: number, of: count, usual: usual))
                journal.beginUndo(step, of: entry.undoes, at: Timestamp(now()))
                try await change.save(journal)
                let began = ContinuousClock.now
                do throws(AgentFailure) { try await executor.execute(step, &journal) } catch {
                    // When the agent is stopped, the step stays `started`, as after a kill. So it does when its job goes
                    // on after the deadline.
                    guard !Task.isCancelled else { throw error }
                    guard !error.leavesJobRunning else {
                        change.progress(.failed(step, error.problem))
                        throw error
                    }
                    var error = error
                    if step.id == .unload {
                        error.problem = await prober.withoutVendor.look().facts.explained(
                            error.problem,
                            for: .uninstall
                        )
                    }
                    journal.failUndo(error.problem, at: Timestamp(now()))
                    // Modules that could not be unloaded are loaded again, so the driver is as it was.
                    let isUnchanged = number == 1 && step.id == .unload && before.uninstall?.state != .started
                    try await change.save(isUnchanged ? before : journal)
                    change.progress(.failed(step, error.problem))
                    throw error
                }
                if [.removeBuildPackages, .removeFabricManager].contains(step.id) {
                    logs[step.id] = output(of: step, on: change.root)
                }
                change.progress(.finished(step, seconds: (ContinuousClock.now - began).seconds))
            }
            journal.endUndo(of: entry.undoes)
            if !entry.steps.isEmpty, number < count { try await change.save(journal) }
        }
        journal.endUninstall(at: Timestamp(now()))
        try await change.save(journal)
        return logs
    }

    /// The output of the job of a step; empty when it cannot be read.
    private func output(of step: PlannedStep, on root: HostRoot) -> String {
        guard let name = step.job, let job = try? HostJob(name, root: root, commands: commands) else { return "" }
        return ((try? root.ownTail(job.log, limit: 1 << 16)) ?? nil)?.visibleLines ?? ""
    }

    /// What is left of a driver after its removal; nil when nothing is.
    ///
    /// `versions` are the versions of the driver that the agent installed.
    private func remains(of versions: [String]) async -> Finding? {
        let facts = await prober.withoutVendor.look().facts
        let own = facts.driver.sources.filter { versions.contains($0.version) }
        let unreadable = facts.driver.sources.isEmpty ? facts.driver.sourceFailure : nil
        guard !own.isEmpty || unreadable != nil else { return nil }
        let parts = own.map(\.description).joined(separator: ", ")
        return Finding(
            .driverRemovalFailed,
            observed: unreadable.map { "The agent cannot tell whether the driver is gone: \($0.detail)." }
                ?? "The uninstaller left parts of the driver: \(parts).",
            expected: "no part of the driver on the host",
            remedy: "Read /var/log/nvidia-uninstall.log on the node. If the uninstaller is incomplete, run 'gpu-agent "
                + "install', which completes the driver, and then 'gpu-agent uninstall'."
        )
    }
}

extension Prober {
    /// The same prober, but it does not load NVIDIA's libraries.
    var withoutVendor: Prober {
        var prober = self
        prober.probesVendor = false
        return prober
    }

    /// The plan to uninstall the driver, and the journal that it undoes; the journal is nil when there is none.
    package func uninstall() async -> (plan: Uninstall, journal: Journal?) {
        let (facts, journal) = await withoutVendor.look()
        return (Uninstall(journal: journal, facts: facts), journal.value)
    }

    /// Uninstalls the driver for `gpu-agent uninstall`.
    package func uninstall(
        environment: [String: String],
        lockDeadline: Duration,
        progress: @escaping @Sendable (InstallProgress) -> Void
    ) async throws(AgentFailure) -> Uninstall {
        guard let commands else { throw .noCommands }
        let run = UninstallRun(prober: self, commands: commands, pod: podName(environment), progress: progress)
        return try await run.run(lockDeadline: lockDeadline)
    }
}
