import Health
package import NodeModel
import Support

/// The output of `gpu-agent validate`.
package struct ValidationDocument: Encodable, Sendable {
    package var apiVersion = NodeFacts.currentAPIVersion
    package var kind = "Validation"
    package var success: Bool
    /// The answer in one word, which decides the exit code.
    package var outcome: ValidationOutcome
    package var verdict: Verdict
    /// Whether containers can use the GPUs, whichever driver the node has.
    package var readiness: Readiness
    package var reason: ReasonCode?
    package var nextAction: String
    package var failOn: FailOn
    /// Why there is no complete result, or why the command did not wait longer, as a sentence; nil otherwise.
    package var note: String?
    /// The findings about the node; those about expectations come last.
    package var checks: [Finding]

    /// The answer about a node that was inspected.
    ///
    /// - Parameters:
    ///   - report: The report on the node.
    ///   - rules: What makes the command fail.
    ///   - expectations: The findings about what the command line says of the node.
    package init(
        _ report: NodeReport,
        rules: ValidationRules = ValidationRules(),
        expectations: [Finding] = []
    ) {
        outcome = ValidationOutcome(report.verdict, expectations: expectations, rules)
        success = outcome == .success
        verdict = report.verdict
        readiness = report.readiness
        reason = report.reason
        nextAction = report.nextAction
        failOn = rules.failOn
        checks = report.findings + expectations
        // On a node that works, the expectation is what a person must look at.
        let unmet = expectations.first { rules.counts($0.state) && $0.state == .failed }
        if let unmet = unmet ?? expectations.first(where: { rules.counts($0.state) }),
            [.ready, .degraded, .noGPU].contains(verdict)
        {
            (reason, nextAction) = (unmet.code, unmet.remedy.text)
        }
    }

    /// The answer when no inspection came to its end.
    ///
    /// - Parameters:
    ///   - outcome: `interrupted` after a signal, otherwise `unknown` or `failed`.
    ///   - note: Why, as a sentence.
    ///   - problems: The findings that explain it; often none.
    ///   - rules: What makes the command fail.
    package init(
        without outcome: ValidationOutcome,
        note: String,
        problems: [Finding] = [],
        rules: ValidationRules
    ) {
        self.outcome = outcome
        success = false
        verdict = .unknown
        readiness = .unknown
        reason = problems.first?.code
        nextAction = problems.first?.remedy.text ?? "Correct the cause, and run the command again."
        failOn = rules.failOn
        self.note = redacted(note).visible.shortened(to: Finding.textLimit)
        checks = problems
    }

    /// The same results, when a signal ended the command while it waited.
    package func interrupted(_ note: String) -> ValidationDocument {
        var document = self
        (document.outcome, document.success, document.note) = (.interrupted, false, note)
        return document
    }

    package func text(_ style: Style) -> String {
        let width = checks.map(\.title.count).max() ?? 0
        let lines = checks.map { finding -> String in
            let (word, color): (String, (String) -> String) =
                switch finding.state {
                case .pass: ("pass", style.green)
                case .warning: ("warning", style.yellow)
                case .notice: ("notice", style.faint)
                case .failed: ("FAILED", style.red)
                case .unknown: ("unknown", style.yellow)
                case .notApplicable: ("n/a", style.faint)
                case .skipped: ("skipped", style.faint)
                }
            let code = finding.state == .pass || finding.state == .notApplicable ? "" : "  (\(finding.code.rawValue))"
            return "  \(color(padded(word, 7)))  \(padded(finding.title, width))  \(finding.observed)\(code)"
        }
        let why = reason.map { " (\($0.rawValue))" } ?? ""
        let notes = note.map { [style.yellow($0)] } ?? []
        return (["\(style.bold(verdict.rawValue))\(why): \(nextAction)"] + notes + lines).joined(separator: "\n") + "\n"
    }
}
