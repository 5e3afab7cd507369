package import NodeModel

/// The output of `gpu-agent validate`.
package struct ValidationDocument: Encodable, Sendable {
    package var apiVersion = NodeFacts.currentAPIVersion
    package var kind = "Validation"
    package var success: Bool
    package var verdict: Verdict
    /// Whether containers can use the GPUs, whichever driver the node has.
    package var readiness: Readiness
    package var reason: ReasonCode?
    package var nextAction: String
    package var checks: [Finding]

    package init(_ report: NodeReport, allowingNoGPU: Bool = false) {
        success = [.ready, .degraded].contains(report.verdict) || (allowingNoGPU && report.verdict == .noGPU)
        verdict = report.verdict
        readiness = report.readiness
        reason = report.reason
        nextAction = report.nextAction
        checks = report.findings
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
        return (["\(style.bold(verdict.rawValue))\(why): \(nextAction)"] + lines).joined(separator: "\n") + "\n"
    }
}
