package import NodeModel

/// A change to a host, as a value that says what it changes and how to undo it.
///
/// An operation does not change the host itself. The executor applies its `effects`.
package protocol Operation: Sendable {
    /// The stable name of the operation.
    var id: StepID { get }
    /// The description of the operation, as a clause that starts with a verb.
    var title: String { get }
    /// The parts of the host that the operation changes, as text for users.
    var changes: String { get }
    /// Whether the operation disrupts running GPU work.
    var disrupts: Bool { get }
    /// Whether the agent is responsible for the driver on the host from the start of this operation.
    var changesDriver: Bool { get }
    /// Whether the operation is possible only until another operation has changed the driver on the host.
    var needsFormerDriver: Bool { get }
    /// The deadline of each command, job or download, in seconds.
    var deadlineSeconds: Int { get }
    /// The effects of the operation, in order.
    var effects: [Effect] { get }
    /// The message to users when the operation fails.
    var failure: StepFailure { get }
    /// The operation that undoes this one, even if this one was interrupted.
    ///
    /// It is nil when there is nothing to undo, or when the operation cannot be undone.
    var inverse: (any Operation)? { get }
    /// The changes that the inverse does not undo, as text for users; nil when it undoes all changes.
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

    /// The operation as data, without its inverse.
    ///
    /// An inverse also has an inverse, which can be the operation itself. The data contains only the first inverse.
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
