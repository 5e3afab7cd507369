package import Support

/// The record that an operator asked the agent to uninstall its driver.
///
/// The agent writes it before the first change. It stays after the uninstall, and while the journal has it, the daemon
/// installs no driver. `gpu-agent install` removes it.
package struct UninstallRecord: Codable, Sendable, Equatable {
    /// How far the uninstall got.
    package enum State: String, Codable, Sendable {
        case started, done
    }

    package var state: State
    /// The version of the driver; nil when the install that was undone had not changed the driver yet.
    package var version: String?
    package var startedAt: Timestamp
    /// When the uninstall was complete; nil before that.
    package var endedAt: Timestamp?
    /// The step that runs now, or the last one that failed; nil between the steps.
    package var step: StepRecord?

    package init(
        state: State = .started,
        version: String?,
        startedAt: Timestamp,
        endedAt: Timestamp? = nil,
        step: StepRecord? = nil
    ) {
        self.state = state
        self.version = version
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.step = step
    }
}

extension Journal {
    /// Records the start of a step that undoes another step.
    ///
    /// - Parameters:
    ///   - step: The step that starts.
    ///   - undone: The step of the install that it undoes; nil when the journal has no such step.
    ///   - time: The current time.
    package mutating func beginUndo(_ step: PlannedStep, of undone: StepID?, at time: Timestamp) {
        uninstall?.step = StepRecord(step: step.id, state: .started, startedAt: time, job: step.job)
        if let index = steps.firstIndex(where: { $0.step == undone }) {
            // From now on, an install must not rely on what this step did.
            steps[index].state = .started
            steps[index].seconds = nil
            steps[index].failure = nil
            steps[index].job = nil
            if !step.stoppedServices.isEmpty { steps[index].services = step.stoppedServices }
        }
        if step.changesDriver { record?.state = .changing }
    }

    /// Records that the step of an install is undone: removes it.
    package mutating func endUndo(of undone: StepID?) {
        steps.removeAll { $0.step == undone }
        uninstall?.step = nil
    }

    /// Records why a step that undoes another one failed.
    package mutating func failUndo(_ failure: Finding, at time: Timestamp) {
        guard let startedAt = uninstall?.step?.startedAt else { return }
        uninstall?.step?.state = .failed
        uninstall?.step?.seconds = max(0, time.seconds - startedAt.seconds)
        uninstall?.step?.failure = failure
    }

    /// Records that the uninstall is complete.
    package mutating func endUninstall(at time: Timestamp) {
        (record, plan, steps, failed, needsReboot, unloadedModules) = (nil, nil, [], nil, nil, nil)
        uninstall?.state = .done
        uninstall?.step = nil
        uninstall?.endedAt = time
    }

    /// Forgets the uninstall, because an operator asked for an install.
    ///
    /// The driver of an uninstall that was interrupted before it changed the driver is complete.
    package mutating func withdrawUninstall() {
        guard let former = uninstall else { return }
        uninstall = nil
        guard former.state == .started, record?.state == .installed else { return }
        for index in steps.indices where steps[index].state == .started { steps[index].state = .done }
    }
}
