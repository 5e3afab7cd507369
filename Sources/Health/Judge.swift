import NodeModel
import Planning
import Selection

/// Derives the verdict on a node and the next action from the findings.
struct Judge {
    var plan: Plan
    var readiness: Readiness
    var installing: Bool
    var lastFailure: Finding?
    /// The version of the driver that is loaded; nil when none is.
    var loadedVersion: String?

    /// The report with these findings, which are in the order of the registry.
    func report(_ findings: [Finding]) -> NodeReport {
        var report = judged(findings)
        report.readiness = readiness
        return report
    }

    private func judged(_ findings: [Finding]) -> NodeReport {
        let decider = findings.decider
        if installing {
            return NodeReport(
                verdict: .installing,
                reason: decider?.state == .failed ? decider?.code : nil,
                nextAction: "Wait until the install ends. 'gpu-agent validate --wait 15m' waits for it.",
                findings: findings
            )
        }
        if let wait = findings.first(where: {
            [.poolUnknown, .ownershipUnknown].contains($0.code) && $0.state == .unknown
        }) {
            return NodeReport(verdict: .waiting, reason: wait.code, nextAction: wait.remedy.text, findings: findings)
        }
        let verdict = Verdict(decidedBy: decider, readiness)
        return NodeReport(
            verdict: verdict,
            reason: decider?.code,
            nextAction: nextAction(verdict, decider),
            findings: findings
        )
    }

    private func nextAction(_ verdict: Verdict, _ decider: Finding?) -> String {
        if verdict == .ready {
            if let pending = plan.obstacles.first(where: {
                [.driverChangePending, .driverSourceChange].contains($0.code)
            }) {
                return "CUDA works on this node. \(pending.remedy.text)"
            }
            if let failed = plan.decision.failed, plan.decision.action == .adopt {
                return "CUDA works on this node, with the driver before the failed one. \(failed.remedy.text)"
            }
            guard !plan.steps.isEmpty else { return "CUDA works on this node. Nothing to do." }
            if let change { return change }
            return "Run 'gpu-agent install' for the remaining steps of the plan. CUDA already works on this node."
        }
        if verdict == .notReady, !plan.steps.isEmpty, plan.obstacles.isEmpty, lastFailure == nil,
            decider?.remedy.endsWithInstall != true
        {
            return Remedy.install.text
        }
        return decider?.nextAction ?? "Read the findings."
    }

    /// What the plan replaces on a node that works; nil when the plan installs no other version.
    ///
    /// While a process uses the GPUs, the selection postpones such a change.
    private var change: String? {
        guard plan.decision.action == .install, let target = plan.decision.driver, let loadedVersion,
            target.version.description != loadedVersion
        else { return nil }
        return
            "Run 'gpu-agent install' to install the \(target) in place of driver \(loadedVersion). CUDA works on this "
            + "node, and no process uses the GPUs."
    }
}

extension Finding {
    /// The next action when this finding decides the verdict.
    var nextAction: String { remedy.isEmpty ? "Read the findings." : remedy.text }
}
