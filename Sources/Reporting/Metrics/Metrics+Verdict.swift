import Health
import NodeModel

extension Metrics {
    /// The verdict and the results of the checks.
    var verdictFamilies: [MetricFamily] { [verdict, findings, checks] }

    private var verdict: MetricFamily {
        let help = "The verdict on this node: 1 for the current verdict, 0 for the others."
        return Verdict.allCases.reduce(MetricFamily("gpu_agent_verdict", help)) {
            $0.sample([("verdict", $1.rawValue)], $1 == report.verdict ? 1 : 0)
        }
    }

    private var allFindings: [Finding] { report.findings + Checks.findings(about: published) }

    /// The findings that need attention.
    ///
    /// A check can have several, such as one for each file system without enough space. A code without a finding has no
    /// sample: most of the checks pass on most nodes.
    private var findings: MetricFamily {
        let help = "The number of findings by code and state: failed, warning, or unknown without a result."
        let family = MetricFamily("gpu_agent_findings", help)
        let all = allFindings
        return CheckRegistry.checks.reduce(family) { family, check in
            [Finding.State.failed, .warning, .unknown].reduce(family) { family, state in
                let count = all.count { $0.code == check.code && $0.state == state }
                let labels = [("code", check.code.rawValue), ("state", state.rawValue)]
                return count > 0 ? family.sample(labels, Double(count)) : family
            }
        }
    }

    private var checks: MetricFamily {
        let help = "The result of a check: 1 if it passed or returned only a notice, 0 otherwise."
        let family = MetricFamily("gpu_agent_check_passed", help)
        let all = allFindings
        return CheckRegistry.checks.reduce(family) { family, check in
            let states = all.filter { $0.code == check.code && $0.state != .notApplicable }.map(\.state)
            guard !states.isEmpty else { return family }
            let holds = states.allSatisfy { [.pass, .notice].contains($0) }
            return family.sample([("code", check.code.rawValue)], holds ? 1 : 0)
        }
    }
}
