package import Catalog
package import NodeModel
package import Selection

/// A decision, and the catalog entries that led to it or were rejected.
package struct Explanation: Encodable, Sendable {
    package var apiVersion = NodeFacts.currentAPIVersion
    package var kind = "Explanation"
    package var decision: Decision
    package var rules: [RuleContest.Rule]

    package init(_ facts: NodeFacts, catalog: Catalog, policy: Policy) {
        let decision = Selection(catalog: catalog, policy: policy).decide(facts)
        rules = facts.gpus.flatMap {
            RuleContest($0, decision, in: catalog, policy: policy).rules
        }
        self.decision = decision
    }

    package func text(_ style: Style) -> String {
        var lines = [style.bold(decision.action.rawValue) + ": \(decision.summary)"]
        lines += EvidenceText.lines(decision.evidence).map { "  \($0)" }
        if let artifact = decision.driver?.artifact { lines += artifact.urls.map { "  package  \($0)" } }
        lines += decision.problems.flatMap { problem in
            [
                "  \(style.red("×")) \(problem.code.rawValue): \(problem.observed)",
                "      expected: \(problem.expected)", "      → \(problem.remedy)",
            ]
        }
        lines += ["", style.bold("Rules")]
        lines += rules.map { "  \($0.decides ? style.green("√") : style.faint("–")) \($0.name): \($0.why)" }
        if !decision.rejected.isEmpty {
            lines += ["", style.bold("Rejected drivers")]
            lines += decision.rejected.map { "  \($0.driver): \($0.reason)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
