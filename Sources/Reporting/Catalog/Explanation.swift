package import Catalog
package import NodeModel
package import Selection
import Support

/// A decision, and the catalog entries that led to it or were rejected.
package struct Explanation: Encodable, Sendable {
    package var apiVersion = NodeFacts.currentAPIVersion
    package var kind = "Explanation"
    package var decision: Decision
    package var rules: [RuleContest.Rule]
    /// The vGPU types that have the same PCI ID, for a question without a subsystem ID; nil for other questions.
    package var alternatives: [Alternative]?

    /// A vGPU type that a GPU with a PCI ID can be.
    package struct Alternative: Encodable, Sendable, Equatable {
        /// The subsystem device ID, such as `2187`.
        package var subsystem: String
        package var name: String
    }

    package init(_ facts: NodeFacts, catalog: Catalog, policy: Policy) {
        let decision = Selection(catalog: catalog, policy: policy).decide(facts)
        rules = facts.gpus.flatMap {
            RuleContest($0, decision, in: catalog, policy: policy).rules
        }
        self.decision = decision
    }

    /// Adds what else a GPU with this PCI ID can be, depending on its subsystem ID.
    package mutating func addAlternatives(of id: PCIID, in catalog: Catalog) {
        guard id.vendor == PCIFunction.nvidiaVendor else { return }
        alternatives = catalog.vgpuTypes.values.filter { $0.key.device == id.device }
            .sorted { $0.key.subsystemDevice < $1.key.subsystemDevice }
            .map { Alternative(subsystem: hex($0.key.subsystemDevice, digits: 4), name: $0.name) }
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
        if let alternatives, !alternatives.isEmpty {
            lines += ["", style.bold("With one of these subsystem IDs, the GPU is a vGPU and needs a GRID driver")]
            lines += alternatives.map { "  subsystem device \($0.subsystem)  \($0.name)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
