/// When to retry a failed request: exponential backoff with full jitter.
package struct RetryPolicy: Sendable, Equatable {
    /// What to do after a failure.
    package enum Decision: Sendable, Equatable {
        case retry(after: Duration)
        case giveUp
    }

    /// The maximum delay after the first failure; it doubles with each further failure.
    package var base: Duration
    /// The maximum delay, without the delay that the server requests.
    package var cap: Duration
    /// The maximum number of attempts, including the first.
    package var attempts: Int

    /// The longest delay that the server may request; when it requests more, there is no further attempt.
    private static let patience = Duration.seconds(60)

    package init(base: Duration = .milliseconds(500), cap: Duration = .seconds(30), attempts: Int = 5) {
        self.base = base
        self.cap = cap
        self.attempts = attempts
    }

    /// Decides whether and when to make the next attempt.
    ///
    /// The delay is random between zero and the limit, so that nodes that failed together do not retry together. When
    /// the server requests a delay, it is added in full. When that delay is longer than a minute, there is no further
    /// attempt, because the caller has other work to do.
    ///
    /// - Parameters:
    ///   - attempt: The number of failed attempts, from 1.
    ///   - error: The error of the last attempt.
    ///   - generator: The random number generator.
    /// - Returns: The delay before the next attempt, or `giveUp`.
    package func decision(
        afterAttempt attempt: Int,
        error: KubernetesError,
        using generator: inout some RandomNumberGenerator
    ) -> Decision {
        let asked = error.retryAfter ?? .zero
        guard attempt < attempts, error.isTransient, asked <= Self.patience else { return .giveUp }
        let doublings = min(max(attempt - 1, 0), 30)
        let limit = min(cap, base * (1 << doublings))
        let jitter = limit * Double.random(in: 0..<1, using: &generator)
        return .retry(after: asked + jitter)
    }

    /// Repeats a request until it succeeds or the policy gives up.
    ///
    /// - Parameters:
    ///   - clock: The clock that measures the delays.
    ///   - generator: The random number generator.
    ///   - operation: The request.
    /// - Returns: The result of the request.
    /// - Throws: The error of the last attempt, or `cancelled` when the task is canceled during a delay.
    package func run<Value: Sendable>(
        clock: any Clock<Duration>,
        using generator: inout some RandomNumberGenerator,
        _ operation: () async throws(KubernetesError) -> Value
    ) async throws(KubernetesError) -> Value {
        var attempt = 1
        while true {
            do throws(KubernetesError) {
                return try await operation()
            } catch {
                guard case .retry(let delay) = decision(afterAttempt: attempt, error: error, using: &generator) else {
                    throw error
                }
                do {
                    try await clock.sleep(for: delay)
                } catch {
                    throw .cancelled(subject: "the wait before attempt \(attempt + 1)")
                }
                attempt += 1
            }
        }
    }
}

extension KubernetesError {
    /// Whether the error is temporary, so that the same request can succeed later.
    ///
    /// A budget can allow an eviction later too, but only after minutes: it waits for another pod. So who evicts decides
    /// when to ask again.
    package var isTransient: Bool {
        switch self {
        case .unreachable, .timedOut, .tooManyRequests: true
        case .server(let status, _, _): status >= 500
        default: false
        }
    }

    /// The delay before the next request that the server requested.
    package var retryAfter: Duration? {
        switch self {
        case .tooManyRequests(let delay): delay
        case .disruptionBudget(_, let delay): delay
        case .server(_, _, let delay): delay
        default: nil
        }
    }
}
