/// Limits the requests to the API server while something fails.
///
/// An attempt to publish costs between one and six requests, depending on where it fails. So the pauses between the
/// attempts cannot limit the requests alone, and the budget counts them.
package struct RequestBudget: Sendable {
    /// The maximum number of requests per minute.
    package static let perMinute = 10

    private var times: [ContinuousClock.Instant] = []

    package init() {}

    /// Records a request.
    package mutating func spend(at now: ContinuousClock.Instant) {
        times.removeAll { $0 + .seconds(60) <= now }
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
        let recent = times.filter { $0 + .seconds(60) > now }
        let excess = recent.count + min(count, Self.perMinute) - Self.perMinute
        guard excess > 0 else { return .zero }
        return recent[excess - 1] + .seconds(60) - now
    }
}
