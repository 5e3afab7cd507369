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

    /// Forgets steps that were begun and cut off, and that the plan has no more: what they were to do is done.
    package mutating func forget(cutOffStepsMissingIn plan: [StepID]) {
        steps.removeAll { $0.state == .started && !plan.contains($0.step) }
    }

    /// Notes that a step begins, at a time in seconds since 1970.
    package mutating func begin(_ step: StepID, at time: Double) {
        steps.removeAll { $0.step == step }
        steps.append(StepRecord(step: step, state: .started, startedAt: time))
        // From here on the host's driver is the agent's doing.
        if step == .install || step == .remove { record?.state = .changing }
    }

    /// Notes how the step that was begun last ended.
    package mutating func end(_ step: StepID, at time: Double, failure: Finding? = nil) {
        guard let index = steps.lastIndex(where: { $0.step == step }) else { return }
        steps[index].state = failure == nil ? .done : .failed
        // The host's clock may have been set back meanwhile.
        steps[index].seconds = max(0, time - steps[index].startedAt)
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
    /// Seconds since 1970.
    package var startedAt: Double
    /// How long it took; nil while it runs, and when it was cut off.
    package var seconds: Double?
    /// Why it failed; nil when it did not.
    package var failure: Finding?

    package init(step: StepID, state: State, startedAt: Double, seconds: Double? = nil, failure: Finding? = nil) {
        self.step = step
        self.state = state
        self.startedAt = startedAt
        self.seconds = seconds
        self.failure = failure
    }
}
