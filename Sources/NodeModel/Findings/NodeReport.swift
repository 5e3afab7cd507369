/// The state of a node in one word.
package enum Verdict: String, Codable, Sendable, CaseIterable {
    /// Every check passed, and a CUDA program runs on the node.
    case ready
    /// The agent installs or loads the driver.
    case installing
    /// The agent needs a fact before it can change the host, and waits for it.
    case waiting
    /// The GPUs work, but something about the node is not as it should be.
    case degraded
    /// The GPUs do not work.
    case notReady = "not-ready"
    /// The node has no GPU for the agent.
    case noGPU = "no-gpu"
    /// The node has GPUs, but another owner manages their driver, so the agent neither changes nor checks it.
    case leftAlone = "left-alone"
    /// The agent cannot tell the state.
    case unknown
}

/// The result of all checks on a node.
///
/// The agent prints and publishes the state of the node only from this value.
package struct NodeReport: Codable, Sendable, Equatable {
    package var verdict: Verdict
    /// Whether containers can use the GPUs, whichever driver the node has.
    package var readiness: Readiness
    /// The code of the finding that decided the verdict; nil when every check passed.
    package var reason: ReasonCode?
    /// What to do next, as a sentence.
    package var nextAction: String
    package var findings: [Finding]

    package init(
        verdict: Verdict,
        readiness: Readiness = .unknown,
        reason: ReasonCode?,
        nextAction: String,
        findings: [Finding]
    ) {
        self.verdict = verdict
        self.readiness = readiness
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

    /// The finding that decided the verdict; a finding about the verdict when no finding decided it.
    package var problem: Finding {
        let decider = findings.first { $0.code == reason && $0.state != .pass }
        return Finding(
            decider?.code ?? .installFailed,
            observed: decider?.observed ?? "The node is \(verdict.rawValue).",
            expected: decider?.expected ?? "a node that is ready",
            remedy: nextAction
        )
    }
}
