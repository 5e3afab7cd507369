import FoundationEssentials
import Host
import NodeModel
import Planning
import Selection
import Support
import Synchronization

/// How an install executes its steps, and what it does when one fails.
extension InstallRun {
    /// Executes the steps.
    ///
    /// - Returns: What NVIDIA's libraries said during the verification; nil without one. An inspection that comes soon after
    ///   it need not ask them again: without persistence mode, they need seconds for each GPU.
    func run(
        _ steps: [PlannedStep],
        _ journal: Journal,
        _ change: HostChange
    ) async throws(AgentFailure) -> Reading<VendorFacts>? {
        var inspector = inspector
        inspector.prober.cuda.level = .full
        let heard = Heard()
        let verification = Verification(
            look: { [inspector] in
                let view = await inspector.look()
                heard.facts.withLock { $0 = view.facts.vendor }
                return view
            },
            patience: patience
        )
        let executor = Executor(
            root: change.root,
            commands: commands,
            downloader: downloader,
            progress: change.progress,
            longestJob: longestJob,
            verify: verification.problem,
            presence: inspector.prober.presence
        )
        do throws(AgentFailure) { try await execute(steps, with: executor, journal, change) } catch {
            await executor.stopDownload()
            throw error
        }
        return heard.facts.withLock(\.self)
    }

    /// What NVIDIA's libraries said last.
    private final class Heard: Sendable {
        let facts = Mutex<Reading<VendorFacts>?>(nil)
    }

    private func execute(
        _ steps: [PlannedStep],
        with executor: Executor,
        _ journal: Journal,
        _ change: HostChange
    ) async throws(AgentFailure) {
        var journal = journal
        journal.settleCutOffSteps(missingIn: steps.map(\.id))
        /// The step that unloaded the former driver, while no later step has changed that driver.
        var unload: PlannedStep?
        do throws(AgentFailure) { try await execute(steps, with: executor, &journal, &unload, change) } catch {
            var error = error
            // After a stop, the next agent continues with the install.
            if !Task.isCancelled, let unload, let problem = await executor.takeBack(unload) {
                error.problem.observed += " (when the old driver was loaded again: \(problem))"
            }
            throw error
        }
    }

    private func execute(
        _ steps: [PlannedStep],
        with executor: Executor,
        _ journal: inout Journal,
        _ unload: inout PlannedStep?,
        _ change: HostChange
    ) async throws(AgentFailure) {
        /// Why a step failed that has nothing to do with those which are still executed.
        var failure: AgentFailure?
        /// Why services do not run again. The check of the node decides whether the driver works without them.
        var unstarted: AgentFailure?
        for (index, step) in steps.enumerated() where failure == nil || StepID.ahead.contains(step.id) {
            let usual = journal.durations?[step.id.rawValue]
            change.progress(.started(step, number: index + 1, of: steps.count, usual: usual))
            journal.begin(step, at: Timestamp(now()))
            // The journal is about the previous install until the first step writes the new record.
            if step.id != .begin {
                do throws(AgentFailure) { try await change.save(journal) } catch { throw failure ?? error }
            }
            if step.changesDriver { unload = nil }
            let began = ContinuousClock.now
            if let next = steps.dropFirst(index + 1).first, let file = step.downloadMeanwhile(for: next) {
                executor.begin(file, of: next)
            }
            do throws(AgentFailure) { try await executor.execute(step, &journal) } catch {
                // When the agent is stopped, the step stays `started` in the journal, as after a kill. The next agent
                // continues from there.
                guard !Task.isCancelled else { throw error }
                // So it does when its job goes on after the deadline. The next run waits for the job.
                guard !error.leavesJobRunning else {
                    change.progress(.failed(step, error.problem))
                    throw error
                }
                var error = error
                if step.id == .unload { error.problem = await explained(error.problem, &journal) }
                if step.id == .release { journal.rememberUnload(error.problem, bootID: await bootID()) }
                let isService = step.id == .startServices
                journal.end(step.id, at: Timestamp(now()), failure: error.problem, endsInstall: !isService)
                // On a full disk, the journal keeps the step as started. The cause is still that of the step.
                var isSaved = true
                do throws(AgentFailure) { try await change.save(journal) } catch let unsaved {
                    error.problem.observed += " (\(unsaved.problem.observed))"
                    isSaved = false
                }
                change.progress(.failed(step, error.problem))
                if isService, isSaved {
                    unstarted = error
                    continue
                }
                // A kernel that boots without modules is worse than what failed here, such as a license.
                guard failure == nil, isSaved, step.isBesideDriver,
                    steps[index...].contains(where: { StepID.ahead.contains($0.id) })
                else { throw failure ?? error }
                failure = error
                continue
            }
            // In a way back, the driver that was unloaded is the one that failed.
            if step.id == .unload, journal.failed == nil, journal.record?.state == .started { unload = step }
            // The record of the install comes with its plan.
            if step.id == .begin { journal.setPlan(steps.map(\.id)) }
            journal.end(step.id, at: Timestamp(now()))
            do throws(AgentFailure) { try await change.save(journal) } catch { throw failure ?? error }
            change.progress(.finished(step, seconds: (ContinuousClock.now - began).seconds))
        }
        if let failure = failure ?? unstarted { throw failure }
    }
}

extension InstallRun {
    /// What it means that the driver could not be unloaded, after another look at the node.
    ///
    /// The journal remembers it.
    private func explained(_ failure: Finding, _ journal: inout Journal) async -> Finding {
        guard failure.code == .moduleUnloadFailed else { return failure }
        let facts = await inspector.prober.withoutVendor.look().facts
        let explained = facts.explained(failure, for: .install)
        journal.rememberUnload(explained, bootID: facts.host.bootID.value)
        return explained
    }

    private func bootID() async -> String? {
        await HostProbe(root: inspector.prober.root, commands: commands).bootID().value
    }
}

extension PlannedStep {
    /// Whether the driver works without the step.
    fileprivate var isBesideDriver: Bool { StepID.aroundDriver.contains(id) }
}

extension Prober {
    /// How much of this version of the driver is on the disk of the host.
    fileprivate func presence(of version: String) async -> DriverPresence {
        let probe = HostProbe(root: root, commands: commands)
        async let missing = probe.missingPrograms()
        let driver = await probe.driverFacts(record: .skipped("the files of the driver do not depend on it"))
        return driver.presence(of: version).without(await missing)
    }
}
