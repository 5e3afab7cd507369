import Cluster
import Health
import Host
import Logging
import NodeModel
import Planning
import Reporting
import Selection
import ServiceLifecycle
import Support

/// The loop of the daemon: it inspects the node, installs the driver when it is needed, and publishes the result.
///
/// The loop is level-triggered. An event of a device, of the Node or of the clock only starts a new inspection.
struct Reconciler: Service {
    let inspector: Inspector
    let install: InstallRun?
    let cluster: ClusterLink?
    let wakeUp: Bell
    let box: SnapshotBox
    let startJitter: Duration
    let mode: AgentMode
    /// How long the results of an inspection replace another one.
    let resultsLast: Duration
    let logger: Logger
    /// Starts an inspection when a recent failure has lasted long enough to count.
    private let settlingAlarm: Alarm
    /// When the agent started.
    let started: JobRecord.Moment
    /// Starts an inspection when the ResourceSlices of the node may be read again.
    let offerAlarm: Alarm

    /// The minimum time between two inspections, no matter how many events occur.
    private static let pauseBetweenLooks = Duration.seconds(2)

    init(
        inspector: Inspector,
        install: InstallRun?,
        cluster: ClusterLink?,
        wakeUp: Bell,
        box: SnapshotBox,
        startJitter: Duration,
        mode: AgentMode = .manage,
        resultsLast: Duration = .seconds(420),
        logger: Logger
    ) {
        self.inspector = inspector
        self.install = install
        self.cluster = cluster
        self.wakeUp = wakeUp
        self.box = box
        self.startJitter = startJitter
        self.mode = mode
        self.resultsLast = resultsLast
        self.logger = logger
        settlingAlarm = Alarm(wakeUp: wakeUp)
        offerAlarm = Alarm(wakeUp: wakeUp)
        started = .now()
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var backoff = InstallBackoff()
            var lookedAt = ContinuousClock.now
            var mig = MIGWork()
            var settling = Settling(hasWorked: await inspector.prober.published.load()?.gpusWorked ?? false)
            defer {
                settlingAlarm.cancel()
                offerAlarm.cancel()
            }
            // The first inspection asks the API server for the owner labels. The random delay spreads these requests
            // over time when many nodes start together.
            if cluster != nil { try? await Task.sleep(for: startJitter * Double.random(in: 0..<1)) }
            await look(&backoff, &settling, &mig)
            giveBackMemory()
            for await _ in wakeUp.calls where !Task.isCancelled {
                // Many events at once cause only one inspection every few seconds. The next inspection covers all of
                // them.
                let rest = lookedAt + Self.pauseBetweenLooks - ContinuousClock.now
                if rest > .zero { try? await Task.sleep(for: rest) }
                lookedAt = .now
                await look(&backoff, &settling, &mig)
                giveBackMemory()
            }
        }
        await endResults()
    }

    private func look(
        _ backoff: inout InstallBackoff,
        _ settling: inout Settling,
        _ mig: inout MIGWork
    ) async {
        guard !Task.isCancelled else { return }
        var view = await asking(await inspector.look(), mig, settling)
        // An inspection that was canceled halfway has incomplete facts.
        guard !Task.isCancelled else { return }
        await remember(view.facts)
        // A watch can miss changes while the network is down. So read the owner labels again before an install.
        if install != nil, view.plan.decision.action == .install, let cluster {
            let labels = await cluster.mirror.ownerLabels(noOlderThan: .seconds(30))
            if labels.current != view.facts.claims.nodeLabels {
                view = await asking(await inspector.look(), mig, settling)
            }
        }
        guard !Task.isCancelled else { return }
        if let install, !view.plan.steps.isEmpty, view.plan.obstacles.isEmpty, backoff.allows(at: .now) {
            await publish(begun(view, &settling))
            view = await bringUp(install, &backoff)
            guard !Task.isCancelled else { return }
        }
        view = await waitingForOffer(await withMIGLayouts(view, &mig, &settling), settling)
        await publish(settled(view, &settling))
        await record(view)
    }

    /// Stores which errors of the GPUs are over, so that no later failure brings them back.
    private func record(_ view: NodeView) async {
        guard mode != .observe, let events = view.facts.gpuEvents.value, !events.history.events.isEmpty else { return }
        let uuids = view.facts.gpuUUIDs
        let ends = view.gpuFaults.ends
        let recovering = view.facts.recoveringGPUs
        do throws(HostError) {
            try await GPUHistoryStore(root: inspector.prober.root).update { history in
                history.identify(uuids, boot: events.boot)
                history.needsRecovery(recovering, boot: events.boot, at: events.at)
                for (event, end) in ends { history.end(event, end) }
            }
            for (event, end) in ends {
                logger.notice(
                    "an error of a GPU is over",
                    metadata: ["error": "\(event.name)", "gpu": "\(event.address)", "by": "\(end.way.rawValue)"]
                )
            }
        } catch {
            logger.warning("cannot store the errors of the GPUs", metadata: ["error": "\(errorChain(error))"])
        }
    }

    /// Keeps the most GPUs that were seen on the node; the mode `observe` writes nothing to the host.
    private func remember(_ facts: NodeFacts) async {
        guard mode != .observe, let seen = SeenGPUs.update(after: facts, at: Timestamp(now())) else { return }
        do throws(HostError) { try await SeenGPUsFile(root: inspector.prober.root).save(seen) } catch {
            // The next inspection tries again. Until then, only the check of missing GPUs knows less.
            logger.warning("the number of GPUs was not saved", metadata: ["error": "\(errorChain(error))"])
        }
    }

    /// The view to publish while the steps of the plan run.
    ///
    /// The load of a driver that stays takes nothing away from pods. So a node that worked keeps its verdict, and gets
    /// no taint, until the failure that the load repairs has lasted long enough to count.
    private func begun(_ view: NodeView, _ settling: inout Settling) -> NodeView {
        if view.plan.decision.action == .adopt {
            let settled = settled(view, &settling)
            if [.ready, .degraded].contains(settled.report.verdict) { return settled }
        }
        return NodeView(inspector.setup, facts: view.facts, journal: view.journal, installing: true)
    }

    /// Removes the failures that have not lasted long enough to count.
    func settled(_ view: NodeView, _ settling: inout Settling) -> NodeView {
        var settledView = view
        let instant = ContinuousClock.now
        settledView.report = settling.settle(view.report, at: instant)
        settlingAlarm.ring(in: settling.nextChange(after: instant))
        return settledView
    }

    /// Reports progress until the task is canceled.
    ///
    /// A compiler can print nothing for minutes. Every step has a deadline, so a hanging step cannot keep the agent
    /// alive forever.
    func heartbeat() -> Task<Void, Never> {
        Task {
            while !Task.isCancelled {
                box.alive()
                try? await Task.sleep(for: .seconds(15))
            }
        }
    }

    private func bringUp(_ install: InstallRun, _ backoff: inout InstallBackoff) async -> NodeView {
        let heart = heartbeat()
        defer { heart.cancel() }
        await count { $0.attempts += 1 }
        do throws(AgentFailure) {
            let view = try await install.run(lockDeadline: .seconds(600))
            backoff.succeeded()
            await count { $0.succeeded() }
            return view
        } catch {
            if !Task.isCancelled {
                let pause = backoff.failed(error.problem.code, at: .now)
                await note(error.problem.code, nextAttemptIn: pause)
                // Another process holds the lock, or a job goes on: this install has not failed.
                if ![.hostLocked, .jobRunning].contains(error.problem.code) {
                    await count { $0.failed(error.problem.code) }
                }
                logger.error(
                    "install failed",
                    metadata: [
                        "code": "\(error.problem.code.rawValue)", "observed": "\(error.problem.observed)",
                        "remedy": "\(error.problem.remedy)", "see": "\(error.problem.code.documentation)",
                        "next-try-in": "\(pause)",
                    ]
                )
            }
            let view = await inspector.look()
            guard error.leavesJobRunning else { return view }
            // The step of the job has no end in the journal yet.
            return NodeView(inspector.setup, facts: view.facts, journal: view.journal, failure: error.problem)
        }
    }

    /// Writes the reason for the wait to the host, for `status`.
    private func note(_ code: ReasonCode, nextAttemptIn pause: Duration) async {
        // The process that holds the lock has an activity of its own, and so has a job that still runs.
        guard code != .hostLocked, code != .jobRunning else { return }
        let time = now()
        let retry = Activity(
            kind: .retry,
            subject: code.rawValue,
            since: Timestamp(time),
            until: Timestamp(time + pause.seconds)
        )
        // Nothing depends on it: without the file, `status` shows less.
        try? await ActivityFile(root: inspector.prober.root).save(retry)
    }

    /// Passes a view to the log, to the health server and to the publisher.
    func publish(_ view: NodeView) async {
        logger.info(
            "inspected the node",
            metadata: [
                "verdict": "\(view.report.verdict.rawValue)", "reason": "\(view.report.reason?.rawValue ?? "none")",
                "action": "\(view.plan.decision.action.rawValue)",
            ]
        )
        await handOver(view)
        await noteBoot(view)
        let requests = await cluster?.mirror.requestCounts ?? []
        box.put(SnapshotBox.Snapshot(view: view, at: now(), requests: requests, showsGPUs: inspector.setup.gpuMetrics))
        await cluster?.publisher?.want(view.publication.limited(to: mode))
        await save(view)
    }

    /// Keeps the facts for `status`; the mode `observe` writes nothing to the host.
    private func save(_ view: NodeView) async {
        guard mode != .observe else { return }
        let time = now()
        let results = DaemonResults(
            at: Timestamp(time),
            until: Timestamp(time + resultsLast.seconds),
            journal: view.journal?.checksum,
            facts: view.facts
        )
        do throws(HostError) { try await ResultsFile(root: inspector.prober.root).save(results) } catch {
            // Without the file, `status` inspects the node itself.
            logger.warning("the results were not saved", metadata: ["error": "\(errorChain(error))"])
        }
    }

    /// Says that no further inspection follows, so that commands inspect the node themselves.
    private func endResults() async {
        guard mode != .observe, var results = await inspector.prober.daemonResults() else { return }
        results.until = results.at
        try? await ResultsFile(root: inspector.prober.root).save(results)
    }
}
