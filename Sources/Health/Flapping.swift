import NodeModel

/// The failures that come and go: the memory by which they neither change the verdict each time nor stay hidden.
///
/// A failure that began for the third time, with less than 15 minutes between its appearances, counts at once when it
/// comes, and still counts while it is gone, until it has been gone for 15 minutes. Only a failure that can disappear
/// without an action (`Check.settlingTime`) can flap.
struct Flapping: Sendable, Equatable {
    /// How long a failure must be gone until it is over: three inspections at the usual interval.
    static let memory = Duration.seconds(900)
    /// From this number of beginnings on, a failure flaps.
    ///
    /// Two are not enough: a GPU that is reset twice fails and works twice.
    static let limit = 3

    private struct Series: Sendable, Equatable {
        var first: ContinuousClock.Instant
        var beginnings = 1
        var isFailing = true
        /// Whether the failure flaps: it has begun often enough, and not only within its settling time.
        var flaps = false
        var lastFailing: ContinuousClock.Instant
        /// What the last failure said, and what it meant for the node.
        var finding: Finding
        var readiness: Readiness
    }

    private var series: [ReasonCode: Series] = [:]

    /// Remembers which failures a report has.
    ///
    /// A finding that the report omits, because another one explains it, says nothing.
    ///
    /// - Parameters:
    ///   - report: The report, without what this memory adds.
    ///   - expected: The codes that have failed since before the node worked, which are none that came.
    ///   - now: The time of the report.
    mutating func see(_ report: NodeReport, except expected: Set<ReasonCode>, at now: ContinuousClock.Instant) {
        for finding in report.findings where !expected.contains(finding.code) {
            guard let check = CheckRegistry.check(finding.code), check.settlingTime > .zero else { continue }
            if Severity(finding) == nil {
                series[finding.code]?.isFailing = false
                continue
            }
            var found =
                series[finding.code]
                ?? Series(first: now, lastFailing: now, finding: finding, readiness: report.readiness)
            if !found.isFailing { found.beginnings += 1 }
            (found.isFailing, found.lastFailing) = (true, now)
            if found.beginnings >= Self.limit, now - found.first >= check.settlingTime { found.flaps = true }
            (found.finding, found.readiness) = (finding, report.readiness)
            series[finding.code] = found
        }
        series = series.filter { $0.value.isFailing || now - $0.value.lastFailing < Self.memory }
    }

    /// Whether a failure comes and goes.
    func contains(_ code: ReasonCode) -> Bool { series[code]?.flaps ?? false }

    /// The failure that still counts although its check passes now, and what it meant for the node; nil when none does.
    func held(_ code: ReasonCode) -> (finding: Finding, readiness: Readiness)? {
        guard var found = series[code], found.flaps, !found.isFailing else { return nil }
        found.finding.observed +=
            " (The check passes now. It failed \(found.beginnings) times, so the failure counts until the check has "
            + "passed for \(Self.memory.components.seconds / 60) minutes.)"
        return (found.finding, found.readiness)
    }

    /// The time until the first failure that is gone no longer counts; nil when there is none.
    func nextEnd(after now: ContinuousClock.Instant) -> Duration? {
        series.values.filter { $0.flaps && !$0.isFailing }.map { $0.lastFailing + Self.memory - now }.min()
    }
}
