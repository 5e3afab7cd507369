import Cluster
import Host
import Logging
import NodeModel
import Planning
import Selection
import ServiceLifecycle
import Support

/// The daemon's loop: look at the node, install what is missing, publish what is seen.
///
/// It is level-triggered. An event of a device, of the Node or of the clock only says "look again".
struct Reconciler: Service {
    let inspector: Inspector
    let install: InstallRun?
    let cluster: ClusterLink?
    let wakeUp: WakeUp
    let box: SnapshotBox
    let startJitter: Duration
    let logger: Logger
    /// Looks again soon where the cluster did not answer.
    let retry: ClusterRetry

    init(
        inspector: Inspector,
        install: InstallRun?,
        cluster: ClusterLink?,
        wakeUp: WakeUp,
        box: SnapshotBox,
        startJitter: Duration,
        logger: Logger
    ) {
        self.inspector = inspector
        self.install = install
        self.cluster = cluster
        self.wakeUp = wakeUp
        self.box = box
        self.startJitter = startJitter
        self.logger = logger
        retry = ClusterRetry(wakeUp: wakeUp)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var backoff = InstallBackoff()
            defer { retry.cancel() }
            // Nodes that were started together do not ask together, and the first look asks who owns the driver.
            if cluster != nil { try? await Task.sleep(for: startJitter * Double.random(in: 0..<1)) }
            await look(&backoff)
            giveBackMemory()
            for await _ in wakeUp.calls where !Task.isCancelled {
                await look(&backoff)
                giveBackMemory()
            }
        }
    }

    private func look(_ backoff: inout InstallBackoff) async {
        guard !Task.isCancelled else { return }
        var view = await inspector.look()
        // A look that was cut off in the middle says nothing of the node.
        guard !Task.isCancelled else { return }
        // A watch can be silent because the network is: what an install rests on is asked for once more.
        if install != nil, view.plan.decision.action == .install, let cluster {
            let labels = await cluster.mirror.ownerLabels(noOlderThan: .seconds(30))
            if labels.current != view.facts.claims.nodeLabels { view = await inspector.look() }
        }
        guard !Task.isCancelled else { return }
        if let install, !view.plan.steps.isEmpty, view.plan.obstacles.isEmpty, backoff.allows(at: .now) {
            let installing = NodeView(
                inspector.setup,
                facts: view.facts,
                journal: view.journal,
                installing: true
            )
            // The install does not wait for the cluster to be told: its server may be slow, or away.
            async let told: Void = publish(installing)
            view = await bringUp(install, &backoff)
            await told
            guard !Task.isCancelled else { return }
            await publish(view)
        } else {
            await publish(view)
        }
    }

    private func bringUp(_ install: InstallRun, _ backoff: inout InstallBackoff) async -> NodeView {
        let heart = Task {
            // Every step has a deadline, so this ends; a compiler says nothing for minutes.
            while !Task.isCancelled {
                box.alive()
                try? await Task.sleep(for: .seconds(15))
            }
        }
        defer { heart.cancel() }
        do throws(AgentFailure) {
            let view = try await install.run(lockDeadline: .seconds(600))
            backoff.succeeded()
            return view
        } catch {
            if !Task.isCancelled {
                let pause = backoff.failed(error.problem.code, at: .now)
                logger.error(
                    "install failed",
                    metadata: [
                        "code": "\(error.problem.code.rawValue)", "observed": "\(error.problem.observed)",
                        "remedy": "\(error.problem.remedy)", "next-try-in": "\(pause)",
                    ]
                )
            }
            return await inspector.look()
        }
    }

    /// Shows a view to everybody who asks: the health server, `status` on the host, and the cluster.
    private func publish(_ view: NodeView) async {
        logger.info(
            "looked",
            metadata: [
                "verdict": "\(view.report.verdict.rawValue)", "reason": "\(view.report.reason?.rawValue ?? "none")",
                "action": "\(view.plan.decision.action.rawValue)",
            ]
        )
        let at = now()
        box.put(SnapshotBox.Snapshot(view: view, at: at, requests: await cluster?.mirror.requestCounts ?? []))
        guard let cluster, !Task.isCancelled else { return }
        do {
            try await cluster.publisher.publish(view.publication)
            retry.succeeded()
        } catch {
            logger.warning("not published", metadata: ["error": "\(errorChain(error))"])
            retry.failed()
        }
        box.put(SnapshotBox.Snapshot(view: view, at: at, requests: await cluster.mirror.requestCounts))
        let state = await cluster.publisher.state
        // What was decided without labels that are known by now is to be decided anew.
        if state.ownerLabelsFailure == nil, state.ownerLabels != view.facts.claims.nodeLabels.value { wakeUp.ring() }
        do throws(HostError) {
            try await inspector.prober.published.save(state)
        } catch {
            logger.warning("the published state was not saved", metadata: ["error": "\(errorChain(error))"])
        }
    }
}
