import FoundationEssentials
package import Host
import NodeModel
import Planning
import Selection
import Support

/// One install: take the lock, settle unfinished jobs, plan, execute, and verify.
package struct InstallRun: Sendable {
    var inspector: Inspector
    let commands: HostCommands
    let downloader: Downloader
    /// How long the verification waits for the node to become ready.
    let patience: Duration
    /// The pod that this process runs in, for a process that waits for the lock; nil outside of a pod.
    let pod: String?
    /// The longest that the run waits for one job of the host.
    let longestJob: Duration
    let progress: @Sendable (InstallProgress) -> Void

    package init(
        inspector: Inspector,
        commands: HostCommands,
        downloader: Downloader,
        pod: String? = nil,
        patience: Duration = Verification.patience,
        longestJob: Duration? = nil,
        progress: @escaping @Sendable (InstallProgress) -> Void
    ) {
        self.inspector = inspector
        self.commands = commands
        self.downloader = downloader
        self.pod = pod
        self.patience = patience
        self.longestJob = longestJob ?? HostChange.longestJob
        self.progress = progress
    }

    /// Executes the plan and returns the view of the node after it.
    ///
    /// - Throws: The obstacles of the plan, or the finding of the step that failed. The journal on the host then has
    ///   the finding of the step, too.
    package func run(lockDeadline: Duration) async throws(AgentFailure) -> NodeView {
        let change = HostChange(
            root: inspector.prober.root,
            commands: commands,
            pod: pod,
            longestJob: longestJob,
            progress: progress
        )
        return try await change.run(lockDeadline: lockDeadline, failure: .state) {
            (change) async throws(AgentFailure) in try await install(change)
        }
    }

    private func install(_ change: HostChange) async throws(AgentFailure) -> NodeView {
        try await change.settle(.state)
        var view = await lookWithoutOtherAgents()
        // What the repositories have decides which driver the next plan installs.
        if view.plan.decision.unreadIndex != nil { view = try await execute(view, change) }
        do throws(AgentFailure) { return try await execute(view, change) } catch {
            // While a job runs, nothing else may change the host. The next run waits for the job.
            guard !Task.isCancelled, !error.leavesJobRunning, !view.plan.goesBack else { throw error }
            throw await goBack(after: error, change)
        }
    }

    /// Inspects the node, and waits while only a daemon on this host, which reads the GPUs, is in the way of the install.
    private func lookWithoutOtherAgents() async -> NodeView {
        var view = await inspector.look()
        let end = ContinuousClock.now + HostChange.patienceWithAgents
        while view.facts.claims.onlyAgentsUseDriver,
            view.plan.obstacles.contains(where: { [.driverChangePending, .driverInUse].contains($0.code) }),
            ContinuousClock.now < end, !Task.isCancelled
        {
            try? await Task.sleep(for: .milliseconds(500))
            view = await inspector.look()
        }
        return view
    }

    /// Executes the plan of a view, and returns the view after it.
    private func execute(_ view: NodeView, _ change: HostChange) async throws(AgentFailure) -> NodeView {
        let obstacles = view.plan.obstacles
        if let first = obstacles.first { throw AgentFailure(first, others: Array(obstacles.dropFirst())) }
        var journal = view.journal ?? Journal()
        let isWithdrawn = inspector.takesUninstallBack && journal.uninstall != nil
        if isWithdrawn { journal.withdrawUninstall() }
        var last = inspector
        if !view.plan.steps.isEmpty {
            let heard = try await run(view.plan.steps, journal, change)
            if view.plan.endsWithVerification { last.prober.heard = heard }
        } else {
            let before = journal
            // The driver of this agent is whole. So a step that was cut off behind its work is done.
            if view.plan.decision.action == .adopt, view.facts.driver.isOfThisAgent,
                journal.record?.state == .installed
            {
                journal.settleCutOffSteps(missingIn: [])
            }
            guard isWithdrawn || journal != before else { return view }
            try await change.save(journal)
        }
        let after = await last.look()
        // The driver that was asked for is not the one that works now.
        if view.plan.goesBack, let failed = view.plan.decision.failed {
            throw AgentFailure(failed.failure, others: [.wentBack(from: failed)])
        }
        return after
    }

    /// Goes back to the former driver when the install of a new one has just failed.
    ///
    /// - Returns: Both facts: why the new driver failed, and whether the former one works again.
    private func goBack(after failure: AgentFailure, _ change: HostChange) async -> AgentFailure {
        var run = self
        run.inspector.retriesFailed = false
        let view = await run.inspector.look()
        guard view.plan.goesBack, !Task.isCancelled else { return failure }
        let name = view.plan.decision.failed?.formerName ?? "the former driver"
        change.progress(.noted("the new driver failed, so the agent goes back to \(name)"))
        var both = failure
        do throws(AgentFailure) { _ = try await run.execute(view, change) } catch {
            guard error.others.first?.code != .driverRolledBack else {
                both.others += error.others
                return both
            }
            var problem = error.problem
            problem.observed = "The agent could not go back to \(name): \(problem.observed)"
            both.others += [problem] + error.others
        }
        return both
    }
}

/// The name of the pod that a process with this environment runs in; nil outside of a pod.
///
/// The kubelet sets the variable for every container, and the host name of a pod is its name.
func podName(_ environment: [String: String]) -> String? {
    environment["KUBERNETES_SERVICE_HOST"] == nil ? nil : environment["HOSTNAME"]
}

extension Inspector {
    /// Installs the driver for `gpu-agent install`.
    package func install(
        environment: [String: String],
        lockDeadline: Duration,
        progress: @escaping @Sendable (InstallProgress) -> Void
    ) async throws(AgentFailure) -> NodeView {
        guard let commands = prober.commands else { throw .noCommands }
        // An operator asked for the install, so an API server that does not answer must not block it.
        var inspector = self
        inspector.owners = OperatorsRequest(known: owners)
        inspector.takesUninstallBack = true
        inspector.retriesFailed = true
        let run = InstallRun(
            inspector: inspector,
            commands: commands,
            downloader: setup.downloader(environment: environment),
            pod: podName(environment),
            progress: progress
        )
        return try await run.run(lockDeadline: lockDeadline)
    }
}

/// The owner labels for an install that an operator asked for.
///
/// A Node that cannot be read does not block the install. An owner that the agent knows still blocks it.
private struct OperatorsRequest: OwnerLabelSource {
    let known: any OwnerLabelSource

    func ownerLabels() async -> OwnerLabels {
        let labels = await known.ownerLabels()
        guard let why = labels.current.failure else { return labels }
        let reason = "the agent cannot read the Node (\(why.detail)), but an operator asked for the install"
        return OwnerLabels(.skipped(reason), last: labels.last)
    }
}
