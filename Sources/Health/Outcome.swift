package import NodeModel

/// The result of one check on one node.
package struct Outcome: Sendable, Equatable {
    package var state: Finding.State
    package var observed: String
    package var expected: String
    package var remedy: Remedy

    static func passed(_ observed: String, expected: String) -> Outcome {
        Outcome(state: .pass, observed: observed, expected: expected, remedy: .none)
    }

    static func notApplicable(_ observed: String, expected: String) -> Outcome {
        Outcome(state: .notApplicable, observed: observed, expected: expected, remedy: .none)
    }

    /// The GPUs work, but not fully as expected.
    static func warning(_ observed: String, expected: String, remedy: Remedy) -> Outcome {
        Outcome(state: .warning, observed: observed, expected: expected, remedy: remedy)
    }

    /// Information that does not change the verdict.
    static func notice(_ observed: String, expected: String, remedy: Remedy) -> Outcome {
        Outcome(state: .notice, observed: observed, expected: expected, remedy: remedy)
    }

    static func failed(_ observed: String, expected: String, remedy: Remedy) -> Outcome {
        Outcome(state: .failed, observed: observed, expected: expected, remedy: remedy)
    }

    /// The agent could not tell.
    static func unknown(_ observed: String, expected: String, remedy: Remedy = .none) -> Outcome {
        Outcome(state: .unknown, observed: observed, expected: expected, remedy: remedy)
    }

    /// The agent did not check, for the reason `why`.
    static func skipped(_ why: String, expected: String, remedy: Remedy = .none) -> Outcome {
        Outcome(state: .skipped, observed: why, expected: expected, remedy: remedy)
    }
}
