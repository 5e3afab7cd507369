package import NodeModel

/// The memory of the daemon between two reports, which delays a failure until it has lasted for some time.
///
/// For example, device nodes appear some seconds after the load of the module, and a GPU does not respond during its
/// reset. Such a failure is a notice until the settling time of its check is over. Before the node works for the first
/// time, every failure counts immediately. A failure that comes and goes counts until it stays away (`Flapping`).
package struct Settling: Sendable, Equatable {
    /// Whether the GPUs have worked since the last boot.
    package private(set) var hasWorked: Bool
    /// The start of each failure that began after the node had worked once.
    private var failingSince: [ReasonCode: ContinuousClock.Instant] = [:]
    /// The codes that have failed since a time before the node worked once.
    private var countedAtOnce: Set<ReasonCode> = []
    /// The failures that come and go.
    private var flapping = Flapping()

    /// - Parameter hasWorked: Whether an earlier daemon saw the GPUs work after the last boot.
    package init(hasWorked: Bool = false) {
        self.hasWorked = hasWorked
    }

    /// Returns the report with each failure that does not count yet as a notice, and with those that still count.
    package mutating func settle(_ report: NodeReport, at now: ContinuousClock.Instant) -> NodeReport {
        let failing = Set(report.findings.filter { Severity($0) != nil }.map(\.code))
        failingSince = failingSince.filter { failing.contains($0.key) }
        countedAtOnce.formIntersection(failing)
        for code in failing where failingSince[code] == nil && !countedAtOnce.contains(code) {
            if hasWorked { failingSince[code] = now } else { countedAtOnce.insert(code) }
        }
        // Another driver can end what came and went.
        if report.verdict == .installing { flapping = Flapping() }
        flapping.see(report, except: countedAtOnce, at: now)
        if [.ready, .degraded].contains(report.verdict) { hasWorked = true }
        guard [.ready, .degraded, .notReady, .unknown].contains(report.verdict) else { return report }

        var settled = report
        for index in settled.findings.indices {
            let finding = settled.findings[index]
            if Severity(finding) == nil, let held = flapping.held(finding.code) {
                settled.findings[index] = held.finding
                settled.readiness = settled.readiness.limited(by: held)
            }
            guard Severity(finding) != nil, let rest = unsettledTime(of: finding.code, at: now) else { continue }
            settled.findings[index].state = .notice
            settled.findings[index].observed += " (This finding counts as a failure in \(rest.spoken).)"
        }
        guard settled.findings != report.findings else { return report }
        if settled.readiness == .notUsable, !settled.findings.contains(where: \.showsThatGPUsDoNotWork) {
            settled.readiness = .usable
            settled.findings = settled.findings.weighed(for: .usable)
        }
        let decider = settled.findings.decider
        guard decider?.code != report.reason || decider?.state == .warning else { return settled }
        settled.verdict = Verdict(decidedBy: decider, settled.readiness)
        settled.reason = decider?.code
        settled.nextAction =
            decider?.nextAction ?? "Wait. A check failed. The agent repeats it before the failure counts."
        return settled
    }

    /// The time from `now` until the next failure counts, or until one that is gone no longer does; nil when nothing
    /// changes with the time.
    package func nextChange(after now: ContinuousClock.Instant) -> Duration? {
        let next = failingSince.keys.compactMap { unsettledTime(of: $0, at: now) }
        return (next + [flapping.nextEnd(after: now)].compactMap(\.self)).min()
    }

    /// The time until a failure counts; nil when it counts already, or when the code does not fail.
    private func unsettledTime(of code: ReasonCode, at now: ContinuousClock.Instant) -> Duration? {
        guard let since = failingSince[code], let check = CheckRegistry.check(code), !flapping.contains(code) else {
            return nil
        }
        let rest = since + check.settlingTime - now
        return rest > .zero ? rest : nil
    }
}

extension Readiness {
    /// The readiness of a node with a failure that still counts: what it was when the check failed.
    fileprivate func limited(by held: (finding: Finding, readiness: Readiness)) -> Readiness {
        switch (self, held.finding.state) {
        case (.usable, .failed) where held.finding.showsThatGPUsDoNotWork: held.readiness
        case (.usable, .unknown), (.usable, .skipped): held.readiness
        default: self
        }
    }
}

extension Duration {
    /// The duration in whole seconds, rounded up.
    fileprivate var spoken: String {
        let seconds = components.seconds + (components.attoseconds > 0 ? 1 : 0)
        return "\(seconds) second\(seconds == 1 ? "" : "s")"
    }
}
