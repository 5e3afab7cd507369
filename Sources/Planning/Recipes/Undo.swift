package import NodeModel

/// The steps that undo the steps of a journal, the last step first.
///
/// The recipe is a pure function of the journal. `Uninstall` adds what the host shows, and the agent removes each undone
/// step from the journal.
package struct Undo: Sendable, Equatable {
    /// The steps that undo one step of the journal.
    package struct Entry: Sendable, Equatable {
        /// The step of the journal that is undone; nil for a driver that only the record names.
        package var undoes: StepID?
        /// The steps, in order; empty when there is nothing to undo.
        package var steps: [PlannedStep]

        package init(undoes: StepID?, steps: [PlannedStep]) {
            self.undoes = undoes
            self.steps = steps
        }
    }

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

    /// What undoes each step of the journal, in order; empty when there is a `problem`.
    package var entries: [Entry] = []
    package var left: [Left] = []
    /// The reason why this version cannot undo the journal; nil when it can.
    package var problem: Finding?
    /// The steps of the journal that earlier versions wrote without a way to undo them.
    package var withoutInverse: [StepID] = []

    /// The steps of all entries, in order.
    package var steps: [PlannedStep] { entries.flatMap(\.steps) }

    package init(journal: Journal) {
        let changed = journal.record.map { $0.state != .started } ?? false
        for record in journal.steps.reversed() {
            guard let inverse = record.inverse else {
                left.append(Left(step: record.step, what: "the journal does not say how to undo this step"))
                withoutInverse.append(record.step)
                entries.append(Entry(undoes: record.step, steps: []))
                continue
            }
            if changed, inverse.contains(where: \.needsFormerDriver) {
                left.append(Left(step: record.step, what: "the former driver is gone, so it is not loaded again"))
            }
            let usable = inverse.filter { !($0.needsFormerDriver && changed) }
            entries.append(
                Entry(undoes: record.step, steps: changed ? usable.map(\.withoutFormerRecord) : usable)
            )
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
        entries = []
        problem = Finding(
            .uninstallFailed,
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
