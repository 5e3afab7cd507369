package import NodeModel

/// Takes back what a journal records: the inverses of its steps, the last step first.
///
/// The recipe is pure. Whoever carries the steps out removes the record of each step that was taken back.
package struct Undo: Sendable, Equatable {
    /// Something that stays changed on the host.
    package struct Left: Sendable, Equatable {
        package var step: StepID
        /// What stays, for people.
        package var what: String

        package init(step: StepID, what: String) {
            self.step = step
            self.what = what
        }
    }

    /// In order; empty when there is nothing to take back, or when the journal cannot be followed.
    package var steps: [PlannedStep] = []
    package var left: [Left] = []
    /// Why the journal cannot be followed; nil when it can.
    package var problem: Finding?

    package init(journal: Journal) {
        let changed = journal.record.map { $0.state != .started } ?? false
        for record in journal.steps.reversed() {
            guard let inverse = record.inverse else {
                left.append(Left(step: record.step, what: "the journal does not say how to take this step back"))
                continue
            }
            for step in inverse where step.needsFormerDriver && changed {
                left.append(Left(step: record.step, what: "the driver that this needs was replaced: \(step.title)"))
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
        // Part of a way back would leave the host in a state that no version knows.
        steps = []
        problem = Finding(
            .installFailed,
            observed: "the journal names effects that this version does not know: \(unknown.joined(separator: ", "))",
            expected: "a journal of this version or an older one",
            remedy: "use the version of the agent that wrote \(HostLayout.journal)"
        )
    }
}

extension PlannedStep {
    /// The same step for a host whose former driver is gone: the record of that driver does not come back.
    fileprivate var withoutFormerRecord: PlannedStep {
        var step = self
        step.effects = effects.map { effect in
            if case .record = effect { .record(nil) } else { effect }
        }
        return step
    }
}
