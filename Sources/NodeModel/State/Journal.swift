package import Support

/// The record of what the agent does to the host.
///
/// The agent saves it on the host before and after each step.
package struct Journal: Codable, Sendable, Equatable {
    package var apiVersion: String
    package var kind: String
    /// The last install that was started or finished; nil before the first install.
    package var record: InstallRecord?
    /// The steps of that install, in the order in which they started.
    package var steps: [StepRecord]
    /// The steps that this install had planned when it began, in order; nil before the first install, and in the journal of
    /// an earlier version.
    ///
    /// A run that continues the install has only those that are still needed, and can have more.
    package var plan: [StepID]?
    /// How long each step took when it last succeeded, in seconds; nil in the journal of an earlier version.
    ///
    /// A new install forgets the steps of the one before it, but not these durations: they are its estimate.
    package var durations: [String: Double]?
    /// The last uninstall; nil when there was none, or when an install came after it.
    package var uninstall: UninstallRecord?
    /// The install that failed, because of which the agent goes back to the former driver; nil when there is none.
    package var failed: FailedInstall?
    /// What the last attempts to take a driver out of the kernel came to; nil when the last one was no such failure.
    package var needsReboot: RebootNeed?
    /// The kernel modules that an install unloaded and that are not loaded again; nil when there is none.
    package var unloadedModules: UnloadedModules?

    package init(record: InstallRecord? = nil, steps: [StepRecord] = [], uninstall: UninstallRecord? = nil) {
        apiVersion = NodeFacts.currentAPIVersion
        kind = "Journal"
        self.record = record
        self.steps = steps
        self.uninstall = uninstall
    }

    /// How the journal shows that a newer version of the agent wrote it; nil when this version can use it.
    ///
    /// This version must not use a journal that it understands by half: it would forget what the newer version did.
    package var signOfNewerVersion: String? {
        if apiVersion != NodeFacts.currentAPIVersion { return "its apiVersion is '\(apiVersion)'" }
        let all = steps + [uninstall?.step].compactMap(\.self)
        return all.first { !StepID.known.contains($0.step) }.map { "it has a step '\($0.step.rawValue)'" }
    }

    /// Whether the recorded install has finished a step.
    package func finished(_ step: StepID) -> Bool {
        steps.last { $0.step == step }?.state == .done
    }

    /// The failure of the last step for the driver that runs; nil when this step did not fail.
    ///
    /// What is done for another kernel says nothing about this driver.
    package var failure: Finding? {
        guard let last = steps.last(where: { !StepID.ahead.contains($0.step) }), last.state == .failed else {
            return nil
        }
        return last.failure
    }

    /// The jobs on the host whose end the journal does not contain, in the order of their steps.
    package var unfinishedJobs: [(step: StepID, name: String)] {
        (steps + [uninstall?.step].compactMap(\.self)).filter { $0.state != .done }.compactMap { step in
            if let job = step.job { return (step.step, job) }
            // Earlier versions did not record the job. They had these two, named after the version of the driver.
            guard step.inverse == nil, [.remove, .install].contains(step.step), let record else { return nil }
            return (step.step, step.step.jobName(for: record.version))
        }
    }

    /// The services that the recorded install stopped and has not started again, sorted.
    package var stoppedServices: [String] {
        finished(.startServices) ? [] : Set(steps.flatMap { $0.services ?? [] }).sorted()
    }

    /// Completes or removes interrupted steps that the new plan does not contain.
    ///
    /// When the plan continues the recorded install, a step is missing because the facts show that its work is done.
    /// This function then marks it as done. Otherwise, it removes the step.
    package mutating func settleCutOffSteps(missingIn plan: [StepID]) {
        let goesOn = plan.contains(.finish)
        steps.removeAll {
            $0.state == .started && !plan.contains($0.step) && !goesOn && !StepID.outliving.contains($0.step)
        }
        for index in steps.indices where steps[index].state == .started && !plan.contains(steps[index].step) {
            steps[index].state = .done
        }
    }

    /// Removes the steps of the previous install when a new install begins.
    ///
    /// Steps whose changes outlive that install stay, so that an uninstall can undo them.
    package mutating func forgetEarlierSteps(than begin: StepID) {
        let stopped = stoppedServices
        steps = steps.filter { $0.step == begin } + steps.filter { StepID.outliving.contains($0.step) }
        // An agent that is killed after this step must still know which services to start.
        if !stopped.isEmpty, steps.first?.step == begin { steps[0].services = stopped }
    }

    /// Records which steps an install that begins has planned.
    package mutating func setPlan(_ steps: [StepID]) { plan = Array(steps.prefix(Self.planLimit)) }

    /// The most steps of a plan that are recorded; a plan has less than half of them.
    private static let planLimit = 64

    /// For how many kernels the journal knows how to remove the modules.
    ///
    /// A distribution keeps two or three kernels.
    private static let kernelLimit = 16

    /// Records the start of a step.
    ///
    /// The modules for one kernel outlive those for the next one, so the way to undo both stays.
    package mutating func begin(_ step: PlannedStep, at time: Timestamp) {
        let former = step.id == .buildAhead ? steps.last { $0.step == step.id }?.inverse : nil
        let failures = failures(before: step)
        let inverse = step.inverse + (former ?? []).filter { !step.inverse.contains($0) }
        steps.removeAll { $0.step == step.id }
        steps.append(
            StepRecord(
                step: step.id,
                state: .started,
                startedAt: time,
                job: step.job,
                inverse: Array(inverse.prefix(Self.kernelLimit)),
                leaves: step.leaves,
                services: step.stoppedServices.isEmpty ? nil : step.stoppedServices,
                failures: failures
            )
        )
        if step.changesDriver { record?.state = .changing }
        rememberModules(of: step)
    }

    /// How often the job of this step failed before, for a step that is not repeated without end; nil when it did not.
    private func failures(before step: PlannedStep) -> Int? {
        guard step.id == .buildAhead, let last = steps.last(where: { $0.step == step.id }), last.job == step.job else {
            return nil
        }
        return last.state == .failed ? min(last.failures ?? 0, Self.failureLimit) + 1 : last.failures
    }

    /// The journal counts no further, because nobody asks for more.
    private static let failureLimit = 99

    /// Records what the files were like on which the job of a step depends; nil when that is not known.
    package mutating func setBasis(_ fingerprint: String?, of step: StepID) {
        guard let index = steps.lastIndex(where: { $0.step == step }) else { return }
        steps[index].basis = fingerprint
    }

    /// Records the end of a step.
    ///
    /// - Parameters:
    ///   - step: The step.
    ///   - time: When it ended.
    ///   - failure: Why it failed; nil when it succeeded.
    ///   - isMeasured: Whether an agent saw the end, so that the time since the start is that of the step.
    ///   - endsInstall: Whether the install ends with the failure, so that the agent can go back to the former driver.
    package mutating func end(
        _ step: StepID,
        at time: Timestamp,
        failure: Finding? = nil,
        isMeasured: Bool = true,
        endsInstall: Bool = true
    ) {
        guard let index = steps.lastIndex(where: { $0.step == step }) else { return }
        steps[index].state = failure == nil ? .done : .failed
        // The duration is never negative, even when the clock of the host was set back.
        let seconds = max(0, time.seconds - steps[index].startedAt.seconds)
        steps[index].seconds = seconds
        if failure == nil, isMeasured { durations = (durations ?? [:]).merging([step.rawValue: seconds]) { $1 } }
        steps[index].failure = failure
        if let failure {
            if endsInstall { rememberFailure(failure, at: time) }
        } else if [.unload, .release, .finish].contains(step) {
            needsReboot = nil
        }
    }
}

/// A step of an install, with its result.
package struct StepRecord: Codable, Sendable, Equatable {
    /// How far the step got.
    ///
    /// A step that was interrupted stays `started`.
    package enum State: String, Codable, Sendable {
        case started, done, failed
    }

    package var step: StepID
    package var state: State
    package var startedAt: Timestamp
    /// How long the step took; nil while it runs, and when it was interrupted.
    package var seconds: Double?
    /// Why the step failed; nil when it did not fail.
    package var failure: Finding?
    /// The name of the job that executes the step; nil when the step has no job.
    package var job: String?
    /// The steps that undo this one, in order; nil in the journal of a version that did not record them.
    package var inverse: [PlannedStep]?
    /// What stays changed after the inverse, as a text for the output; nil when nothing does.
    package var leaves: String?
    /// The services that the step stopped; nil when it stopped none.
    package var services: [String]?
    /// How often the job of the step failed before this time; nil when it did not.
    package var failures: Int?
    /// The fingerprint of the files on which the job depends, from before the job; nil when it is not known.
    package var basis: String?

    package init(
        step: StepID,
        state: State,
        startedAt: Timestamp,
        seconds: Double? = nil,
        failure: Finding? = nil,
        job: String? = nil,
        inverse: [PlannedStep]? = nil,
        leaves: String? = nil,
        services: [String]? = nil,
        failures: Int? = nil,
        basis: String? = nil
    ) {
        self.step = step
        self.state = state
        self.startedAt = startedAt
        self.seconds = seconds
        self.failure = failure
        self.job = job
        self.inverse = inverse
        self.leaves = leaves
        self.services = services
        self.failures = failures
        self.basis = basis
    }

    /// The result of the step, without the data that only the agent needs to continue or undo it.
    package var outcome: StepRecord {
        StepRecord(step: step, state: state, startedAt: startedAt, seconds: seconds, failure: failure)
    }
}
