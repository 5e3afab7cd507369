package import Kubernetes

/// Decides when the publisher may make the next request to the API server.
///
/// After failures, the pauses grow to one minute, so that a failing node makes only a few requests per minute. They
/// stay shorter while there is no connection, because an attempt then costs the API server nothing, and the labels, the
/// taint and the watch wait for the next one when it is back. When other programs repeatedly overwrite many of the
/// agent's fields, the agent writes at most `writesPerMinute` times per minute. `FieldContests` limits the writes of
/// each field, and `RequestBudget` limits all requests of a failing agent.
package struct PublicationPace: Sendable {
    /// The maximum pause after the first failure; it doubles with each further failure.
    package static let firstPause = Duration.seconds(4)
    package static let longestPause = Duration.seconds(60)
    /// The maximum pause while the API server cannot be reached.
    package static let longestPauseWhileAway = Duration.seconds(15)
    /// The maximum pause after a first refusal, which is longer because an administrator must change its cause.
    package static let firstPauseAfterRefusal = Duration.seconds(20)
    /// The maximum number of writes per minute.
    package static let writesPerMinute = 6

    private var limit = Duration.zero
    private var notBefore: ContinuousClock.Instant?
    private var isRefused = false
    private var writes: [ContinuousClock.Instant] = []

    package init() {}

    /// The time to wait before the next attempt; zero when it may start now.
    package func delay(at now: ContinuousClock.Instant) -> Duration {
        let afterFailure = notBefore.map { $0 - now } ?? .zero
        let recent = writes.filter { $0 + .seconds(60) > now }
        let untilRoom =
            recent.count < Self.writesPerMinute ? .zero : (recent.first.map { $0 + .seconds(60) - now } ?? .zero)
        return max(.zero, afterFailure, untilRoom)
    }

    /// Whether the last attempt failed.
    package var isFailing: Bool { limit > .zero }

    /// Records a failed attempt.
    ///
    /// The pause is random between zero and the maximum (full jitter), so that nodes do not retry at the same time.
    package mutating func failed(
        _ error: KubernetesError,
        at now: ContinuousClock.Instant,
        using generator: inout some RandomNumberGenerator
    ) {
        isRefused = error.isRefusal
        let first = isRefused ? Self.firstPauseAfterRefusal : Self.firstPause
        limit = min(error.isAway ? Self.longestPauseWhileAway : Self.longestPause, max(first, limit * 2))
        let asked = min(error.retryAfter ?? .zero, Self.longestPause)
        notBefore = now + asked + limit * Double.random(in: 0..<1, using: &generator)
    }

    package mutating func succeeded() {
        (limit, notBefore, isRefused) = (.zero, nil, false)
    }

    /// Records a write that changed the Node.
    package mutating func wrote(at now: ContinuousClock.Instant) {
        writes.removeAll { $0 + .seconds(60) <= now }
        writes.append(now)
    }

    /// Ends the pause because the API server is reachable again, except after a refusal.
    package mutating func reachable() {
        if !isRefused { notBefore = nil }
    }
}

extension KubernetesError {
    /// Whether the API server did not answer.
    fileprivate var isAway: Bool {
        switch self {
        case .unreachable, .timedOut: true
        default: false
        }
    }

    /// Whether the API server refused the request.
    ///
    /// It refuses the same request again until an administrator changes a permission, a policy or the token.
    package var isRefusal: Bool {
        switch self {
        case .unauthorized, .forbidden, .unsupportedMediaType: true
        case .invalid: !isFailedTest
        default: false
        }
    }
}
