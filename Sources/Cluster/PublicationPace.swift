package import Kubernetes

/// When the publisher may talk to the API server again.
///
/// It keeps two promises. While requests fail, the pauses grow to a minute, so that a node in trouble makes a handful
/// of requests a minute. While another writer contests what the agent writes, the agent writes at most a few times a
/// minute, and leaves the rest to the finding that names the other writer.
package struct PublicationPace: Sendable {
    /// The longest pause after the first failure; it doubles with each further one.
    package static let firstPause = Duration.seconds(4)
    package static let longestPause = Duration.seconds(60)
    /// A refusal does not go away by itself in seconds.
    package static let firstPauseAfterRefusal = Duration.seconds(15)
    /// How many writes a minute the agent makes at most.
    package static let writesPerMinute = 6

    private var limit = Duration.zero
    private var notBefore: ContinuousClock.Instant?
    private var isRefused = false
    private var writes: [ContinuousClock.Instant] = []

    package init() {}

    /// How long to wait before the next attempt; zero when it may be made now.
    package func delay(at now: ContinuousClock.Instant) -> Duration {
        let afterFailure = notBefore.map { $0 - now } ?? .zero
        let recent = writes.filter { $0 + .seconds(60) > now }
        let untilRoom =
            recent.count < Self.writesPerMinute ? .zero : (recent.first.map { $0 + .seconds(60) - now } ?? .zero)
        return max(.zero, afterFailure, untilRoom)
    }

    /// Notes an attempt that failed; the pause is drawn from its upper half, so that nodes do not come back together.
    package mutating func failed(
        _ error: KubernetesError,
        at now: ContinuousClock.Instant,
        using generator: inout some RandomNumberGenerator
    ) {
        isRefused = error.isRefusal
        let first = isRefused ? Self.firstPauseAfterRefusal : Self.firstPause
        limit = min(Self.longestPause, max(first, limit * 2))
        let asked = min(error.retryAfter ?? .zero, Self.longestPause)
        notBefore = now + asked + limit * Double.random(in: 0.5..<1, using: &generator)
    }

    package mutating func succeeded() {
        (limit, notBefore, isRefused) = (.zero, nil, false)
    }

    /// Notes a write that changed the Node.
    package mutating func wrote(at now: ContinuousClock.Instant) {
        writes.removeAll { $0 + .seconds(60) <= now }
        writes.append(now)
    }

    /// Whether the last writes came so close together that another writer must have undone them.
    package func isContested(at now: ContinuousClock.Instant) -> Bool {
        writes.filter { $0 + .seconds(60) > now }.count >= Self.writesPerMinute
    }

    /// The API server answers again: a failure to reach it is over, a refusal is not.
    package mutating func reachable() {
        if !isRefused { notBefore = nil }
    }
}

extension KubernetesError {
    /// Whether the API server understood the request and said no: the same request is refused again until somebody
    /// changes a right, a policy or the token.
    package var isRefusal: Bool {
        switch self {
        case .unauthorized, .forbidden, .unsupportedMediaType: true
        case .invalid: !isFailedTest
        default: false
        }
    }
}
