import Health
package import NodeModel
import Support

/// The conditions that a Node should have, as they follow from the report on its GPUs.
///
/// | condition | True | False | Unknown |
/// | --- | --- | --- | --- |
/// | ready | CUDA works, so pods can use the GPUs | an install runs, or pods cannot use the GPUs | the agent cannot tell |
/// | healthy | CUDA works, and no GPU is faulty | a GPU is faulty | the agent cannot tell |
///
/// A node without a GPU for the agent has no conditions. Nor has a node whose driver another owner manages, because the
/// agent does not check its GPUs.
package struct NodeConditions: Sendable {
    private let report: NodeReport
    private let facts: NodeFacts
    private let types: ConditionTypes

    /// The most bytes of a message.
    package static let messageLimit = 1024

    /// - Parameters:
    ///   - report: The report on the node.
    ///   - facts: The facts about the GPUs that the agent manages.
    ///   - types: The types of the conditions.
    package init(_ report: NodeReport, facts: NodeFacts, types: ConditionTypes) {
        self.report = report
        self.facts = facts
        self.types = types
    }

    /// The conditions; empty when the Node should have none.
    package var all: [Condition] {
        switch report.verdict {
        case .noGPU, .leftAlone: []
        case .installing, .waiting, .ready, .degraded, .notReady, .unknown: [ready, healthy]
        }
    }

    /// The conditions of a node whose agent has stopped: nobody checks whether the last ones are still true.
    ///
    /// - Parameter shown: The conditions that the agent published.
    /// - Returns: The same conditions with the status Unknown.
    package static func stopped(_ shown: [Condition]) -> [Condition] {
        shown.map { condition in
            Condition(
                type: condition.type,
                status: .unknown,
                reason: "AgentStopped",
                message: "The agent on this node has stopped, so nothing checks the GPUs. "
                    + "Wait until the agent runs again, or start it."
            )
        }
    }

    private var ready: Condition {
        if report.verdict == .installing { return condition(types.ready, .no, installing) }
        return switch report.readiness {
        case .usable: condition(types.ready, .yes, ("CUDAWorks", report.sentence))
        case .notUsable: condition(types.ready, .no, cause)
        case .unknown: condition(types.ready, .unknown, cause)
        }
    }

    private var healthy: Condition {
        switch GPUHealth(report, facts: facts) {
        case .healthy: condition(types.healthy, .yes, ("NoFault", "CUDA works on this node, and no GPU is faulty."))
        case .faulty(let finding): condition(types.healthy, .no, explanation(finding))
        case .unknown(let finding):
            condition(
                types.healthy,
                .unknown,
                report.verdict == .installing ? installing : finding.map(explanation) ?? cause
            )
        }
    }

    private typealias Explanation = (reason: String, message: String)

    private func condition(_ type: String, _ status: Condition.Status, _ why: Explanation) -> Condition {
        let message = why.message.visible.shortened(to: Self.messageLimit)
        return Condition(type: type, status: status, reason: why.reason, message: message)
    }

    private var installing: Explanation {
        ("Installing", "The agent installs or loads the driver. \(report.nextAction)")
    }

    /// The finding that decided the verdict, in words.
    private var cause: Explanation {
        let decider = report.findings.first { $0.code == report.reason && $0.state != .pass }
        return decider.map(explanation) ?? ("NotKnown", report.nextAction)
    }

    private func explanation(_ finding: Finding) -> Explanation {
        let isUnknown = [.unknown, .skipped].contains(finding.state)
        let title = isUnknown ? "The agent cannot tell whether \(finding.title)." : "Failed check: \(finding.title)."
        // The next action of the report takes the plan into account.
        let remedy = finding.code == report.reason ? report.nextAction : finding.remedy.text
        let sentences = [title, sentence(finding.observed), sentence(remedy)]
        return (finding.code.conditionReason, sentences.filter { !$0.isEmpty }.joined(separator: " "))
    }

    private func sentence(_ text: String) -> String { text.isEmpty || text.hasSuffix(".") ? text : text + "." }
}

extension ReasonCode {
    /// The code as the reason of a condition, such as `DriverMissing` or `GPULost`.
    ///
    /// Kubernetes allows a reason of letters, digits and `_`, with a letter at its start, but no hyphen.
    package var conditionReason: String {
        let initialisms: Set = ["cuda", "gpu", "mig", "nvml", "pci", "vgpu"]
        return rawValue.split(separator: "-").map { word in
            initialisms.contains(String(word)) ? word.uppercased() : word.prefix(1).uppercased() + word.dropFirst()
        }.joined()
    }
}
