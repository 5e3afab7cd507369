package import NodeModel
import Support

extension PlannedStep {
    /// A step for tests that use only its name.
    package static func named(_ id: StepID, changesDriver: Bool = false, inverse: [PlannedStep] = []) -> PlannedStep {
        PlannedStep(
            id: id,
            title: id.rawValue,
            changes: "nothing",
            changesDriver: changesDriver,
            deadlineSeconds: 30,
            effects: [],
            failure: StepFailure(.installFailed, subject: id.rawValue),
            inverse: inverse
        )
    }
}

extension Journal {
    /// Records the start of the step with this name, at a time in seconds since 1970.
    package mutating func begin(_ id: StepID, at seconds: Double) { begin(.named(id), at: Timestamp(seconds)) }

    /// Records the end of a step, at a time in seconds since 1970.
    package mutating func end(_ id: StepID, at seconds: Double, failure: Finding? = nil) {
        end(id, at: Timestamp(seconds), failure: failure)
    }
}
