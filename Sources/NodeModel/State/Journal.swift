package import Support

/// The agent's memory of what it did to a host: written to the host before and after each step.
package struct Journal: Codable, Sendable, Equatable {
    package var apiVersion: String
    package var kind: String
    /// The install that was begun or finished last; nil before the first.
    package var record: InstallRecord?
    /// The steps of that install, in the order in which they were begun.
    package var steps: [StepRecord]

    package init(record: InstallRecord? = nil, steps: [StepRecord] = []) {
        apiVersion = NodeFacts.currentAPIVersion
        kind = "Journal"
        self.record = record
        self.steps = steps
    }

    /// Whether a step of the recorded install was finished.
    package func finished(_ step: StepID) -> Bool {
        steps.last { $0.step == step }?.state == .done
    }

    /// Why the last steps stand still, which is the failure of the last of them.
    ///
    /// Nil when they go on or are complete.
    package var failure: Finding? {
        guard let last = steps.last, last.state == .failed else { return nil }
        return last.failure
    }

    /// The jobs of the host whose end the journal does not know yet, in the order of their steps.
    package var unfinishedJobs: [(step: StepID, name: String)] {
        steps.filter { $0.state != .done }.compactMap { step in
            if let job = step.job { return (step.step, job) }
            // Earlier versions had these two jobs and named them after the driver's version.
            guard step.inverse == nil, [.remove, .install].contains(step.step), let record else { return nil }
            return (step.step, step.step.jobName(for: record.version))
        }
    }

    /// Settles steps that were begun and cut off, and that a plan does not have any more.
    ///
    /// A plan that goes on with the recorded install lacks them because the host shows that their work is done. Any
    /// other plan has nothing to do with them, and they are removed.
    package mutating func settleCutOffSteps(missingIn plan: [StepID]) {
        let goesOn = plan.contains(.finish)
        steps.removeAll { $0.state == .started && !plan.contains($0.step) && !goesOn }
        for index in steps.indices where steps[index].state == .started && !plan.contains(steps[index].step) {
            steps[index].state = .done
        }
    }

    /// Notes that a step begins.
    package mutating func begin(_ step: PlannedStep, at time: Timestamp) {
        steps.removeAll { $0.step == step.id }
        steps.append(
            StepRecord(
                step: step.id,
                state: .started,
                startedAt: time,
                job: step.job,
                inverse: step.inverse,
                leaves: step.leaves
            )
        )
        if step.changesDriver { record?.state = .changing }
    }

    /// Notes how the step that was begun last ended.
    package mutating func end(_ step: StepID, at time: Timestamp, failure: Finding? = nil) {
        guard let index = steps.lastIndex(where: { $0.step == step }) else { return }
        steps[index].state = failure == nil ? .done : .failed
        // The host's clock may have been set back meanwhile.
        steps[index].seconds = max(0, time.seconds - steps[index].startedAt.seconds)
        steps[index].failure = failure
    }
}

/// One step of an install as it went.
package struct StepRecord: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable {
        case started, done, failed
    }

    package var step: StepID
    package var state: State
    package var startedAt: Timestamp
    /// How long it took; nil while it runs, and when it was cut off.
    package var seconds: Double?
    /// Why it failed; nil when it did not.
    package var failure: Finding?
    /// The host's job that does the step; nil when none does.
    package var job: String?
    /// The steps that take this one back, in order; nil in a journal of a version that did not record them.
    package var inverse: [PlannedStep]?
    /// What stays changed after the inverse, for people; nil when nothing does.
    package var leaves: String?

    package init(
        step: StepID,
        state: State,
        startedAt: Timestamp,
        seconds: Double? = nil,
        failure: Finding? = nil,
        job: String? = nil,
        inverse: [PlannedStep]? = nil,
        leaves: String? = nil
    ) {
        self.step = step
        self.state = state
        self.startedAt = startedAt
        self.seconds = seconds
        self.failure = failure
        self.job = job
        self.inverse = inverse
        self.leaves = leaves
    }

    /// The step as it went, without what only the agent needs to go on or to take it back.
    package var outcome: StepRecord {
        StepRecord(step: step, state: state, startedAt: startedAt, seconds: seconds, failure: failure)
    }
}
