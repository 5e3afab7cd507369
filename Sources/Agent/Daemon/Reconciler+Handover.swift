import Health
import Host
import Logging
import NodeModel
import Selection
import Support

extension Reconciler {
    /// Makes on the host what the pods of the GPU Operator wait for, or takes it away, as the view says.
    ///
    /// Only the mode `manage` changes the host.
    func handOver(_ view: NodeView) async {
        guard mode == .manage else { return }
        let root = inspector.prober.root
        let store = HandoverStore(root: root)
        do throws(HostError) {
            let hasReaders = try await store.hasReaders()
            // Without the directory, there is nothing to take away either.
            guard hasReaders || view.policy.handover == .always else { return }
            let plan = Handover(
                view.policy.handover,
                view.facts,
                view.report,
                waitsOnlyForTheOffer: view.report.waitsOnlyForTheOffer,
                check: await OperatorDriverProbe(root: root).check(),
                hasReaders: hasReaders
            ).plan
            let done = try await store.apply(
                Dictionary(uniqueKeysWithValues: plan.files.map { ($0.key.rawValue, $0.value) }),
                keeping: Set(plan.kept.map(\.rawValue))
            )
            log(done, why: plan.why)
        } catch {
            guard !Task.isCancelled else { return }
            logger.warning(
                "cannot hand the driver over to the pods of the GPU Operator",
                metadata: ["error": "\(errorChain(error))"]
            )
        }
    }

    private func log(_ done: HandoverStore.Outcome, why: String) {
        if !done.made.isEmpty {
            logger.notice("handed the driver over", metadata: ["made": "\(done.made)", "why": "\(why)"])
        }
        if !done.withdrawn.isEmpty {
            logger.notice("took the hand-over back", metadata: ["removed": "\(done.withdrawn)", "why": "\(why)"])
        }
        if !done.foreign.isEmpty {
            // Each inspection finds it again.
            logger.debug("another program has these files", metadata: ["paths": "\(done.foreign)"])
        }
    }
}

extension Prober {
    /// Takes away what the daemon made for the pods of the GPU Operator.
    ///
    /// - Returns: The paths that were removed.
    /// - Throws: A finding when something could not be removed.
    @discardableResult
    package func withdrawHandover() async throws(AgentFailure) -> [String] {
        do throws(HostError) {
            return try await HandoverStore(root: root).withdraw().withdrawn
        } catch {
            throw AgentFailure(
                Finding(
                    .driverRemovalFailed,
                    observed: "\(errorChain(error)).",
                    expected: "no file of the agent in /run/nvidia/validations",
                    remedy: "Correct the cause and run the command again. A reboot removes these files, too."
                )
            )
        }
    }
}
