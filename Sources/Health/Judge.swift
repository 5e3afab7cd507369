import NodeModel
import Planning

/// Gives the verdict on a node, and the next action, by its findings.
struct Judge {
    var plan: Plan
    var installing: Bool
    var lastFailure: Finding?

    /// The report with these findings, which stand in the order of the registry.
    func report(_ findings: [Finding]) -> NodeReport {
        let decider = findings.decider
        if installing {
            return NodeReport(
                verdict: .installing,
                reason: decider?.state == .failed ? decider?.code : nil,
                nextAction: "Wait: an install is running. 'gpu-agent validate --wait 15m' waits until it ends.",
                findings: findings
            )
        }
        if let wait = findings.first(where: { $0.code == .ownershipUnknown && $0.state == .unknown }) {
            return NodeReport(verdict: .waiting, reason: wait.code, nextAction: wait.remedy.text, findings: findings)
        }
        let verdict = Verdict(decidedBy: decider)
        return NodeReport(
            verdict: verdict,
            reason: decider?.code,
            nextAction: nextAction(verdict, decider),
            findings: findings
        )
    }

    private func nextAction(_ verdict: Verdict, _ decider: Finding?) -> String {
        if verdict == .ready {
            return plan.steps.isEmpty
                ? "Nothing to do: CUDA works on this node."
                : "Run 'gpu-agent install': CUDA works on this node, and the plan has steps left."
        }
        if verdict == .notReady, !plan.steps.isEmpty, plan.obstacles.isEmpty, lastFailure == nil {
            return Remedy.install.text
        }
        return decider?.nextAction ?? "Read the findings."
    }
}

extension Finding {
    /// What to do next when this finding decides the verdict.
    var nextAction: String { remedy.isEmpty ? "Read the findings." : remedy.text }
}
