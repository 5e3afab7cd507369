package import NodeModel
package import Planning
import Selection

/// Judges a node by its facts.
///
/// Pure: facts, plan and what is going on in, report out.
package struct Checks: Sendable {
    package var facts: NodeFacts
    package var plan: Plan
    /// Whether an install is going on right now.
    package var installing: Bool
    /// How the last install failed; nil when it did not.
    package var lastFailure: Finding?
    /// How the device plugin is set to show MIG devices.
    package var migStrategy: MIGStrategy

    package init(
        facts: NodeFacts,
        plan: Plan,
        migStrategy: MIGStrategy = .single,
        installing: Bool = false,
        lastFailure: Finding? = nil
    ) {
        self.facts = facts
        self.plan = plan
        self.migStrategy = migStrategy
        self.installing = installing
        self.lastFailure = lastFailure
    }

    package func report() -> NodeReport {
        let decision = plan.decision
        guard decision.action != .idle else { return leftAlone(decision) }
        var node: [Finding] = []
        if decision.action != .blocked || decision.driver != nil || facts.driver.sources.isEmpty == false {
            node += DriverChecks(facts: facts, decision: decision).findings
            node += VendorChecks(facts: facts, decision: decision).findings
            node += GuestChecks(facts: facts, decision: decision, migStrategy: migStrategy).findings
        }
        let obstacles = obstacles(ofAWorkingNode: worksWithAnOlderInstall(node))
        if installing || !obstacles.isEmpty {
            // What would be typed cannot work now, or works already.
            for index in node.indices where node[index].remedy == .install { node[index].remedy = .none }
        }
        // What stands in the way says more of it than the check of the same name.
        let said = Set(obstacles.map(\.code))
        return judge(obstacles + unidentified + node.filter { !said.contains($0.code) })
    }

    /// What is said of a node on which the agent has nothing to do.
    private func leftAlone(_ decision: Decision) -> NodeReport {
        let reason = decision.reason ?? .noGPU
        let finding = Finding(
            reason,
            .notApplicable,
            observed: decision.summary,
            expected: reason == .noGPU
                ? "a function of vendor 10de with class 0300 or 0302" : "GPUs whose driver nobody else runs"
        )
        let isEmpty = reason == .noGPU
        return NodeReport(
            verdict: isEmpty ? .noGPU : .leftAlone,
            reason: reason,
            nextAction: isEmpty ? "nothing to do on this node" : nextAction(leftTo: decision),
            findings: [finding]
        )
    }

    private func nextAction(leftTo decision: Decision) -> String {
        guard let wayOut = decision.wayOut else { return "nothing to do on this node: no container can use these GPUs" }
        return "nothing to do for this agent; \(wayOut)"
    }

    /// Whether the agent's own driver works, and only its replacement does not go on.
    ///
    /// Such a node has another driver than was asked for, and pods run on it all the same.
    private func worksWithAnOlderInstall(_ findings: [Finding]) -> Bool {
        (plan.decision.action == .install || plan.decision.waitsForOwnership) && facts.driver.record.value != nil
            && facts.driver.isLoaded
            && findings.allSatisfy { [.pass, .notApplicable, .warning].contains($0.state) }
    }

    private var unidentified: [Finding] {
        // Without a GPU the decision itself is blocked on them.
        guard !facts.gpus.isEmpty, !facts.unidentified.isEmpty else { return [] }
        let list = facts.unidentified.map { "\($0.address): \($0.failure.detail)" }.joined(separator: "; ")
        return [
            Finding(
                .pciUnreadable,
                .warning,
                observed: list,
                expected: "ids and class of each",
                remedy: "look at the kernel log for these addresses: one of them may be a GPU that fell off the bus"
            )
        ]
    }

    private func obstacles(ofAWorkingNode works: Bool) -> [Finding] {
        let problems = plan.obstacles + [lastFailure].compactMap(\.self)
        return problems.map { problem in
            let cannotTell: Set<ReasonCode> = [.pciUnreadable, .driverUnreadable, .hostUnreadable, .ownershipUnknown]
            var finding = problem
            finding.state = works ? .warning : cannotTell.contains(problem.code) ? .unknown : .failed
            return finding
        }
    }

    private func judge(_ findings: [Finding]) -> NodeReport {
        let failed = findings.first { $0.state == .failed }
        let unknown = findings.first { $0.state == .unknown }
        let skipped = findings.first { $0.state == .skipped }
        let warning = findings.first { $0.state == .warning }
        if installing {
            return NodeReport(
                verdict: .installing,
                reason: failed?.code,
                nextAction: "wait: an install is going on ('gpu-agent validate --wait 15m' waits for its end)",
                findings: findings
            )
        }
        if let wait = findings.first(where: { $0.code == .ownershipUnknown && $0.state == .unknown }) {
            return NodeReport(verdict: .waiting, reason: wait.code, nextAction: wait.remedy.text, findings: findings)
        }
        let decider = failed ?? unknown ?? skipped ?? warning
        let verdict: Verdict =
            if failed != nil { .notReady } else if decider != nil { warning == decider ? .degraded : .unknown } else {
                .ready
            }
        return NodeReport(
            verdict: verdict,
            reason: decider?.code,
            nextAction: nextAction(verdict, decider),
            findings: findings
        )
    }

    private func nextAction(_ verdict: Verdict, _ decider: Finding?) -> String {
        if verdict == .ready, plan.steps.isEmpty { return "nothing to do: CUDA works on this node" }
        if verdict == .ready { return "gpu-agent install (CUDA works on this node; the plan has steps left)" }
        if verdict == .notReady, !plan.steps.isEmpty, plan.obstacles.isEmpty, lastFailure == nil {
            return "gpu-agent install"
        }
        guard let remedy = decider?.remedy, !remedy.isEmpty else { return "see the findings" }
        return remedy.text
    }
}
