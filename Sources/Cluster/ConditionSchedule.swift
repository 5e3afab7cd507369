package import Kubernetes

/// Decides when the publisher may write the conditions of the Node.
///
/// A new status is written at once, but at most a few times per minute. A message often contains a number that changes
/// with each inspection, so a new message alone waits longer. Without a change, only a slow heartbeat is written. It
/// shows that the agent still runs.
///
/// The pauses after failures are those of `PublicationPace`. They do not delay the labels and the taint.
package struct ConditionSchedule: Sendable {
    /// The minimum time between two heartbeats.
    package static let heartbeat = Duration.seconds(600)
    /// The maximum time between two heartbeats, in relation to the minimum.
    ///
    /// The time is random, so that nodes that started together do not write together.
    package static let heartbeatSpread = 1.5
    /// The minimum time between two writes that change only a message.
    package static let pauseBetweenTexts = Duration.seconds(60)
    /// The maximum number of writes per minute.
    ///
    /// Beside the writes that set a contested condition again, there is room for a new status.
    package static let writesPerMinute = 2 + FieldContests.rewritesPerMinute

    private let heartbeat: Duration
    private var pace = PublicationPace()
    private var writes: [ContinuousClock.Instant] = []
    private var nextHeartbeat: ContinuousClock.Instant?

    /// - Parameter heartbeat: The minimum time between two heartbeats.
    package init(heartbeat: Duration = Self.heartbeat) {
        self.heartbeat = heartbeat
    }

    /// Whether the last write failed.
    package var isFailing: Bool { pace.isFailing }

    /// The time until a write of this urgency; zero when it may start now.
    package func delay(for urgency: ConditionUpdate.Urgency, at now: ContinuousClock.Instant) -> Duration {
        max(pace.delay(at: now), rest(for: urgency, at: now))
    }

    private func rest(for urgency: ConditionUpdate.Urgency, at now: ContinuousClock.Instant) -> Duration {
        switch urgency {
        case .heartbeat: nextHeartbeat.map { $0 - now } ?? heartbeat
        case .text: writes.last.map { $0 + Self.pauseBetweenTexts - now } ?? .zero
        case .state:
            writes.count < Self.writesPerMinute
                ? .zero : writes[writes.count - Self.writesPerMinute] + .seconds(60) - now
        }
    }

    /// Starts the heartbeat timer when the Node already has the right conditions.
    package mutating func begin(at now: ContinuousClock.Instant, using generator: inout some RandomNumberGenerator) {
        if nextHeartbeat == nil { planHeartbeat(after: now, using: &generator) }
    }

    /// Records a write.
    package mutating func wrote(at now: ContinuousClock.Instant, using generator: inout some RandomNumberGenerator) {
        pace.succeeded()
        writes = writes.suffix(Self.writesPerMinute - 1) + [now]
        planHeartbeat(after: now, using: &generator)
    }

    /// Records a failed write.
    package mutating func failed(
        _ error: KubernetesError,
        at now: ContinuousClock.Instant,
        using generator: inout some RandomNumberGenerator
    ) {
        pace.failed(error, at: now, using: &generator)
    }

    /// Ends the pause because the API server is reachable again, except after a refusal.
    package mutating func reachable() { pace.reachable() }

    private mutating func planHeartbeat(
        after now: ContinuousClock.Instant,
        using generator: inout some RandomNumberGenerator
    ) {
        nextHeartbeat = now + heartbeat * Double.random(in: 1...Self.heartbeatSpread, using: &generator)
    }
}
