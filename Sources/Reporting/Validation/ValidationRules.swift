package import NodeModel

/// From which severity on a finding makes `gpu-agent validate` fail.
package enum FailOn: String, Codable, Sendable, CaseIterable {
    /// Only a check that failed.
    case failed
    /// Also a state that the agent cannot tell.
    case unknown
    /// Also a node that works, but not completely.
    case warning
}

/// What a person asks of a node.
package struct ValidationRules: Sendable, Equatable {
    package var failOn: FailOn
    /// Whether a node without a GPU is a success.
    package var allowsNoGPU: Bool

    package init(failOn: FailOn = .unknown, allowsNoGPU: Bool = false) {
        self.failOn = failOn
        self.allowsNoGPU = allowsNoGPU
    }

    /// Whether a finding in this state makes the command fail.
    package func counts(_ state: Finding.State) -> Bool {
        switch state {
        case .failed: true
        case .unknown: failOn != .failed
        case .warning: failOn == .warning
        case .pass, .notice, .notApplicable, .skipped: false
        }
    }
}

/// What `gpu-agent validate` answers in one word; each has an exit code.
package enum ValidationOutcome: String, Codable, Sendable, CaseIterable {
    case success, failed
    /// An install runs, or the agent waits for information that it needs before one.
    case installing
    case noGPU = "no-gpu"
    case unknown
    case leftAlone = "left-alone"
    /// A signal ended the command.
    case interrupted

    /// The answer about a node.
    ///
    /// - Parameters:
    ///   - verdict: The verdict on the node.
    ///   - expectations: The findings about what the command line says of the node.
    ///   - rules: What the command asks for.
    package init(_ verdict: Verdict, expectations: [Finding], _ rules: ValidationRules) {
        let states = expectations.map(\.state).filter(rules.counts)
        switch verdict {
        case .installing, .waiting: self = .installing
        case .noGPU where !rules.allowsNoGPU: self = .noGPU
        case .leftAlone: self = .leftAlone
        case .notReady: self = .failed
        case .ready, .degraded, .noGPU, .unknown:
            if states.contains(.failed) || verdict == .degraded && rules.counts(.warning) {
                self = .failed
            } else if states.contains(.unknown) || verdict == .unknown && rules.counts(.unknown) {
                self = .unknown
            } else {
                self = .success
            }
        }
    }

    /// Whether the answer can become a success while the command waits.
    package var canChange: Bool {
        switch self {
        case .failed, .installing, .unknown: true
        case .success, .noGPU, .leftAlone, .interrupted: false
        }
    }
}
