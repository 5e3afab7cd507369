package import NodeModel

/// The fields of the Node that another client keeps changing back.
///
/// Two programs that each insist on a value would otherwise write without end. The agent sets such a field only a few
/// times per minute, and names the other field manager in a finding.
package struct FieldContests: Sendable {
    /// How often per minute the agent sets one field again.
    package static let rewritesPerMinute = 3
    /// How long a contest stays in the findings after the last time that the agent set the field again.
    package static let memory = Duration.seconds(600)

    private struct Contest {
        var managers: [String]
        var isReported = false
        var rewrites: [ContinuousClock.Instant] = []

        func recent(at now: ContinuousClock.Instant) -> [ContinuousClock.Instant] {
            rewrites.filter { $0 + .seconds(60) > now }
        }
    }

    private var contests: [String: Contest] = [:]

    package init() {}

    /// Records that the agent set a field again, after another client changed it.
    ///
    /// - Parameters:
    ///   - field: The name of the field for people.
    ///   - managers: The field managers that own the field after the change; empty when the client removed the field.
    ///   - now: The time of the write.
    package mutating func rewrote(_ field: String, after managers: [String], at now: ContinuousClock.Instant) {
        contests = contests.filter { $0.value.rewrites.last.map { $0 + Self.memory > now } ?? false }
        var contest = contests[field] ?? Contest(managers: managers)
        if !managers.isEmpty { contest.managers = managers }
        contest.rewrites = contest.recent(at: now) + [now]
        if contest.rewrites.count >= Self.rewritesPerMinute { contest.isReported = true }
        contests[field] = contest
    }

    /// Whether the agent must leave a field as it is for now.
    package func isPaused(_ field: String, at now: ContinuousClock.Instant) -> Bool {
        (contests[field]?.recent(at: now).count ?? 0) >= Self.rewritesPerMinute
    }

    /// The time until the agent may set a field again that it leaves as it is now; nil when there is none.
    package func nextAttempt(after now: ContinuousClock.Instant) -> Duration? {
        contests.keys.filter { isPaused($0, at: now) }
            .compactMap { contests[$0]?.recent(at: now).first.map { $0 + .seconds(60) - now } }.min()
    }

    /// The contested fields, sorted by name.
    package func fields(at now: ContinuousClock.Instant) -> [ContestedField] {
        contests.filter { $0.value.isReported && $0.value.rewrites.last.map { $0 + Self.memory > now } ?? false }
            .map { ContestedField(field: $0.key, managers: $0.value.managers) }
            .sorted { $0.field < $1.field }
    }
}
