package import NodeModel

/// One thing that the agent does to a host: a value that says what it is, what it does and how it is taken back.
///
/// An operation cannot touch the host. `effects` is what applying it means; the executor carries them out.
package protocol Operation: Sendable {
    /// The stable name of the operation.
    var id: StepID { get }
    /// What happens, for people.
    var title: String { get }
    /// What is different on the host afterwards, for people.
    var changes: String { get }
    /// Whether running GPU work suffers.
    var disrupts: Bool { get }
    /// Whether the driver on the host is the agent's doing from the start of this operation on.
    var changesDriver: Bool { get }
    /// Whether it can be done only as long as no other operation changed the driver on the host.
    var needsFormerDriver: Bool { get }
    /// How long each command, job or download may take.
    var deadlineSeconds: Int { get }
    /// What is done, in order.
    var effects: [Effect] { get }
    /// What people are told when it fails.
    var failure: StepFailure { get }
    /// The operation that takes this one back, also when it was cut off in the middle.
    ///
    /// Nil when there is nothing to do or no way to do it.
    var inverse: (any Operation)? { get }
    /// What stays changed after the inverse, for people; nil when nothing does.
    var leaves: String? { get }
}

extension Operation {
    package var disrupts: Bool { false }
    package var changesDriver: Bool { false }
    package var needsFormerDriver: Bool { false }
    package var inverse: (any Operation)? { nil }
    package var leaves: String? { nil }

    /// The operation as data, with its inverse.
    package var step: PlannedStep {
        var step = stepWithoutInverse
        step.inverse = inverse.map { [$0.stepWithoutInverse] } ?? []
        return step
    }

    /// An inverse has an inverse of its own, which can be the operation itself: the data ends with the first one.
    private var stepWithoutInverse: PlannedStep {
        PlannedStep(
            id: id,
            title: title,
            changes: changes,
            disrupts: disrupts,
            changesDriver: changesDriver,
            needsFormerDriver: needsFormerDriver,
            deadlineSeconds: deadlineSeconds,
            effects: effects,
            failure: failure,
            leaves: leaves
        )
    }
}
