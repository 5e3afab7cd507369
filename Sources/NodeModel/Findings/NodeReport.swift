/// What can be said of a node in one word.
package enum Verdict: String, Codable, Sendable, CaseIterable {
    /// Every check passed: a CUDA program runs here.
    case ready
    /// The agent is bringing the driver up.
    case installing
    /// The agent would change the host and waits for something that it must know first.
    case waiting
    /// It works, but not all of it.
    case degraded
    /// It does not work.
    case notReady = "not-ready"
    /// There is no GPU to make ready.
    case noGPU = "no-gpu"
    /// There are GPUs, and their driver is somebody else's business: the agent neither acts nor judges.
    case leftAlone = "left-alone"
    /// It could not be told.
    case unknown
}

/// What the checks say of a node.
///
/// Everything that is shown or published is rendered from this one value.
package struct NodeReport: Codable, Sendable, Equatable {
    package var verdict: Verdict
    /// The finding that decided the verdict; nil when every check passed.
    package var reason: ReasonCode?
    /// What to do next, in words or as a command.
    package var nextAction: String
    package var findings: [Finding]

    package init(verdict: Verdict, reason: ReasonCode?, nextAction: String, findings: [Finding]) {
        self.verdict = verdict
        self.reason = reason
        self.nextAction = nextAction
        self.findings = findings
    }

    /// The verdict, its reason, what the agent observed, and the next action, in one line.
    package var sentence: String {
        let decider = findings.first { $0.code == reason && $0.state != .pass }
        let why = reason.map { " (\($0.rawValue))" } ?? ""
        let observed = decider.map { $0.observed + ($0.observed.hasSuffix(".") ? " " : ". ") } ?? ""
        return "\(verdict.rawValue)\(why): \(observed)\(nextAction)"
    }

    /// What decided the verdict, as a problem; the verdict itself where no finding did.
    package var problem: Finding {
        let decider = findings.first { $0.code == reason && $0.state != .pass }
        return Finding(
            decider?.code ?? .installFailed,
            observed: decider?.observed ?? "the node is \(verdict.rawValue)",
            expected: decider?.expected ?? "a node that is ready",
            remedy: nextAction
        )
    }
}
