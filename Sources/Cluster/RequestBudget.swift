/// Limits the requests to the API server while something fails.
///
/// An attempt to publish costs between one and six requests, depending on where it fails. So the pauses between the
/// attempts cannot limit the requests alone, and the budget counts them.
package struct RequestBudget: Sendable {
    /// The number of requests in a window.
    ///
    /// The agent promises at most 10 requests in a minute. A watch can start while an attempt to publish is under way,
    /// so one request is left for it.
    package static let perWindow = 9
    /// A little more than a minute, because the requests take different times to reach the server.
    private static let window = Duration.seconds(62)

    private var times: [ContinuousClock.Instant] = []

    package init() {}

    /// Records a request.
    package mutating func spend(at now: ContinuousClock.Instant) {
        times.removeAll { $0 + Self.window <= now }
        times.append(now)
    }

    /// Forgets a request that did not reach the API server.
    package mutating func refund(_ time: ContinuousClock.Instant) {
        if let index = times.lastIndex(of: time) { times.remove(at: index) }
    }

    /// Forgets all requests, because nothing fails any more.
    package mutating func reset() { times = [] }

    /// The time until the budget has room for `count` requests; zero when it has room now.
    package func delay(for count: Int, at now: ContinuousClock.Instant) -> Duration {
        let recent = times.filter { $0 + Self.window > now }
        let excess = recent.count + min(count, Self.perWindow) - Self.perWindow
        guard excess > 0 else { return .zero }
        return recent[excess - 1] + Self.window - now
    }
}
