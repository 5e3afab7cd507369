import GPUNode
import Host
import Logging
import ServiceLifecycle

/// The daemon's loop: look at the node, install what is missing, publish what is seen.
///
/// It is level-triggered. An event of a device, of the Node or of the clock only says "look again".
struct Reconciler: Service {
    let inspector: Inspector
    let install: InstallRun?
    let publisher: NodePublisher?
    let wakeUp: WakeUp
    let box: SnapshotBox
    let startJitter: Duration
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var backoff = InstallBackoff()
            await look(&backoff, after: startJitter * Double.random(in: 0..<1))
            for await _ in wakeUp.calls where !Task.isCancelled { await look(&backoff, after: .zero) }
        }
    }

    private func look(_ backoff: inout InstallBackoff, after delay: Duration) async {
        var view = await inspector.look()
        // A look that was cut off in the middle says nothing of the node.
        guard !Task.isCancelled else { return }
        if let install, !view.plan.steps.isEmpty, view.plan.obstacles.isEmpty, backoff.allows(at: .now) {
            let installing = NodeView(
                inspector.setup,
                facts: view.facts,
                journal: view.journal,
                installing: true
            )
            await publish(installing, after: delay)
            view = await bringUp(install, &backoff)
            guard !Task.isCancelled else { return }
            await publish(view, after: .zero)
        } else {
            await publish(view, after: delay)
        }
    }

    private func bringUp(_ install: InstallRun, _ backoff: inout InstallBackoff) async -> NodeView {
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
    private func publish(_ view: NodeView, after delay: Duration) async {
        logger.info(
            "looked",
            metadata: [
                "verdict": "\(view.report.verdict.rawValue)", "reason": "\(view.report.reason?.rawValue ?? "none")",
                "action": "\(view.plan.decision.action.rawValue)",
            ]
        )
        box.put(SnapshotBox.Snapshot(view: view, at: now(), requests: await publisher?.requestCounts ?? []))
        guard let publisher, !Task.isCancelled else { return }
        // Nodes that were started together do not ask together.
        if delay > .zero { try? await Task.sleep(for: delay) }
        do {
            try await publisher.publish(view.publication)
        } catch {
            logger.warning("not published", metadata: ["error": "\(errorChain(error))"])
        }
        box.put(SnapshotBox.Snapshot(view: view, at: now(), requests: await publisher.requestCounts))
        do throws(HostError) {
            try await PublishedStateFile(root: inspector.prober.root).save(await publisher.state)
        } catch {
            logger.warning("the published state was not saved", metadata: ["error": "\(errorChain(error))"])
        }
    }
}

/// How long to wait after a failed install before the next try.
struct InstallBackoff {
    private var pause: Duration = .zero
    private var notBefore: ContinuousClock.Instant?

    func allows(at instant: ContinuousClock.Instant) -> Bool {
        notBefore.map { instant >= $0 } ?? true
    }

    mutating func succeeded() {
        (pause, notBefore) = (.zero, nil)
    }

    /// Doubles from 30 seconds to half an hour.
    ///
    /// A wrong checksum goes to the end at once: asking again soon brings the same file.
    mutating func failed(_ code: ReasonCode, at instant: ContinuousClock.Instant) -> Duration {
        let longest = Duration.seconds(1800)
        pause = code == .downloadHashMismatch ? longest : min(longest, max(.seconds(30), pause * 2))
        notBefore = instant + pause
        return pause
    }
}
