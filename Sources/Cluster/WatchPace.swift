package import Kubernetes

/// Decides when to start the next watch of the Node after a failed one.
///
/// After each failed watch, the publisher reads the Node once. So while every watch fails, these reads are the only
/// news of the Node, and the pauses limit both requests.
package struct WatchPace: Sendable {
    /// The maximum pause after a watch that lasted a minute, which is usually a lost connection.
    package static let firstPauseAfterLongWatch = Duration.seconds(5)
    /// The maximum pause after any other failure; it doubles with each further failure.
    package static let firstPause = Duration.seconds(20)
    package static let longestPause = Duration.seconds(60)
    /// The minimum pause after a refusal, and the range of the random time that is added to it.
    ///
    /// The API server refuses the next watch too, until an administrator changes the rights of the agent.
    package static let pauseAfterRefusal = Duration.seconds(30)

    /// The number of failed watches since the last good one.
    package private(set) var failures = 0
    private var limit = Duration.zero

    package init() {}

    /// Records a watch that ended as watches do.
    package mutating func succeeded() { (failures, limit) = (0, .zero) }

    /// Records a failed watch, and returns the time until the next one.
    ///
    /// The pause is random, so that nodes do not retry at the same time.
    ///
    /// - Parameters:
    ///   - error: Why the watch failed; nil when the server ended it too early.
    ///   - life: How long the watch lasted.
    ///   - generator: The random number generator.
    /// - Returns: The time until the next watch.
    package mutating func failed(
        _ error: KubernetesError?,
        after life: Duration,
        using generator: inout some RandomNumberGenerator
    ) -> Duration {
        failures += 1
        let asked = min(error?.retryAfter ?? .zero, Self.longestPause)
        if error?.isRefusedWatch == true {
            limit = Self.longestPause
            return asked + Self.pauseAfterRefusal
                + Self.pauseAfterRefusal * Double.random(in: 0..<1, using: &generator)
        }
        let isLong = limit == .zero && life >= .seconds(60)
        limit = isLong ? Self.firstPauseAfterLongWatch : min(Self.longestPause, max(Self.firstPause, limit * 2))
        return asked + limit * Double.random(in: 0.5..<1, using: &generator)
    }
}

extension KubernetesError {
    /// Whether the API server, or a proxy before it, does not allow the watch: 401, 403, 404 or 405.
    fileprivate var isRefusedWatch: Bool {
        switch self {
        case .notFound: true
        case .server(let status, _, _): status == 405
        default: isRefusal
        }
    }
}
