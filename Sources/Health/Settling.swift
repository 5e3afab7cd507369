package import NodeModel

/// What the daemon remembers from look to look, so that a failure counts only after it has lasted.
///
/// Device nodes appear seconds after the module is loaded, and a GPU that is being reset does not answer. Such a failure
/// is a notice until the settling time of its check is over. Before the node has worked once, every failure counts at
/// once: nothing is known yet that could come back.
package struct Settling: Sendable, Equatable {
    private var hasWorked = false
    /// Since when each code fails that began to fail after the node first worked.
    private var failingSince: [ReasonCode: ContinuousClock.Instant] = [:]
    /// The codes that have failed since before the node first worked.
    private var countedAtOnce: Set<ReasonCode> = []

    package init() {}

    /// The report as it counts at an instant; the raw report goes in.
    package mutating func settle(_ report: NodeReport, at now: ContinuousClock.Instant) -> NodeReport {
        let failing = Set(report.findings.filter { Severity($0) != nil }.map(\.code))
        failingSince = failingSince.filter { failing.contains($0.key) }
        countedAtOnce.formIntersection(failing)
        for code in failing where failingSince[code] == nil && !countedAtOnce.contains(code) {
            if hasWorked { failingSince[code] = now } else { countedAtOnce.insert(code) }
        }
        if [.ready, .degraded].contains(report.verdict) { hasWorked = true }
        guard [.ready, .degraded, .notReady, .unknown].contains(report.verdict) else { return report }

        var settled = report
        for index in settled.findings.indices {
            let finding = settled.findings[index]
            guard Severity(finding) != nil, let rest = unsettledTime(of: finding.code, at: now) else { continue }
            settled.findings[index].state = .notice
            settled.findings[index].observed += " (counts as a failure in \(rest.spoken))"
        }
        guard settled.findings != report.findings else { return report }
        let decider = settled.findings.decider
        guard decider?.code != report.reason else { return settled }
        settled.verdict = Verdict(decidedBy: decider)
        settled.reason = decider?.code
        settled.nextAction =
            decider?.nextAction ?? "Wait: a check fails, and the agent looks again before the failure counts."
        return settled
    }

    /// How long after `now` the first of the unsettled failures counts; nil when nothing is unsettled.
    package func nextChange(after now: ContinuousClock.Instant) -> Duration? {
        failingSince.keys.compactMap { unsettledTime(of: $0, at: now) }.min()
    }

    /// How long a failure must still last before it counts; nil when it counts, or is none.
    private func unsettledTime(of code: ReasonCode, at now: ContinuousClock.Instant) -> Duration? {
        guard let since = failingSince[code], let check = CheckRegistry.check(code) else { return nil }
        let rest = since + check.settlingTime - now
        return rest > .zero ? rest : nil
    }
}

extension Duration {
    /// In whole seconds, rounded up.
    fileprivate var spoken: String {
        let seconds = components.seconds + (components.attoseconds > 0 ? 1 : 0)
        return "\(seconds) second\(seconds == 1 ? "" : "s")"
    }
}
