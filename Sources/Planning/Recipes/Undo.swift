package import NodeModel

/// The steps that undo the steps of a journal, the last step first.
///
/// The recipe is a pure function of the journal. The caller that runs the steps must remove each undone step from the
/// journal.
package struct Undo: Sendable, Equatable {
    /// A change to the host that remains.
    package struct Left: Sendable, Equatable {
        package var step: StepID
        /// The change that remains, as a clause for users.
        package var what: String

        package init(step: StepID, what: String) {
            self.step = step
            self.what = what
        }
    }

    /// The steps, in order; empty when there is nothing to undo, or when there is a `problem`.
    package var steps: [PlannedStep] = []
    package var left: [Left] = []
    /// The reason why this version cannot undo the journal; nil when it can.
    package var problem: Finding?

    package init(journal: Journal) {
        let changed = journal.record.map { $0.state != .started } ?? false
        for record in journal.steps.reversed() {
            guard let inverse = record.inverse else {
                left.append(Left(step: record.step, what: "the journal does not say how to undo this step"))
                continue
            }
            for step in inverse where step.needsFormerDriver && changed {
                left.append(Left(step: record.step, what: "the driver that this step needs is gone: \(step.title)"))
            }
            let usable = inverse.filter { !($0.needsFormerDriver && changed) }
            steps += changed ? usable.map(\.withoutFormerRecord) : usable
            if let what = record.leaves { left.append(Left(step: record.step, what: what)) }
        }
        refuseUnknownEffects()
    }

    private mutating func refuseUnknownEffects() {
        let unknown = steps.flatMap { step in
            step.effects.compactMap { effect in
                if case .unknown(let kind) = effect { "'\(kind)' of step \(step.id.rawValue)" } else { nil }
            }
        }
        guard !unknown.isEmpty else { return }
        // To undo only some of the steps would leave the host in a state that no version knows.
        steps = []
        problem = Finding(
            .installFailed,
            observed: "The journal contains effects that this version of the agent does not know: "
                + "\(unknown.joined(separator: ", ")).",
            expected: "a journal that this version of the agent or an earlier version wrote",
            remedy: "Use the version of the agent that wrote \(HostLayout.journal)."
        )
    }
}

extension PlannedStep {
    /// The same step for a host without its former driver.
    ///
    /// The step does not restore the record of that driver.
    fileprivate var withoutFormerRecord: PlannedStep {
        var step = self
        step.effects = effects.map { effect in
            if case .record = effect { .record(nil) } else { effect }
        }
        return step
    }
}
