/// When to ask again after a failed request: exponential backoff with full jitter.
package struct RetryPolicy: Sendable, Equatable {
    /// What to do after a failure.
    package enum Decision: Sendable, Equatable {
        case retry(after: Duration)
        case giveUp
    }

    /// The longest delay after the first failure; it doubles with every further one.
    package var base: Duration
    /// The longest delay of all, unless the server asks for a longer one.
    package var cap: Duration
    /// How often to ask at most, the first time included.
    package var attempts: Int

    /// The longest time that the server may ask for; when it asks for more, there is no further attempt.
    private static let patience = Duration.seconds(60)

    package init(base: Duration = .milliseconds(500), cap: Duration = .seconds(30), attempts: Int = 5) {
        self.base = base
        self.cap = cap
        self.attempts = attempts
    }

    /// Decides about the next attempt.
    ///
    /// The delay is drawn evenly between zero and the limit, so that many nodes that failed together do not come
    /// back together. A time that the server asked for is waited first, in full; more than a minute is not waited at all,
    /// for the caller has other things to do meanwhile.
    ///
    /// - Parameters:
    ///   - attempt: How many attempts have failed, from 1.
    ///   - error: Why the last one failed.
    ///   - generator: The source of chance.
    /// - Returns: How long to wait before the next attempt, or that there is none.
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

    /// Asks until there is an answer, or a reason to stop asking.
    ///
    /// - Parameters:
    ///   - clock: Where the delays are waited.
    ///   - generator: The source of chance.
    ///   - operation: The request.
    /// - Returns: What the operation gives.
    /// - Throws: The last failure.
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
    /// Whether the same request may succeed later without anybody changing anything.
    package var isTransient: Bool {
        switch self {
        case .unreachable, .timedOut, .tooManyRequests: true
        case .server(let status, _, _): status >= 500
        default: false
        }
    }

    /// How long the server asked to be left alone.
    package var retryAfter: Duration? {
        switch self {
        case .tooManyRequests(let delay): delay
        case .server(_, _, let delay): delay
        default: nil
        }
    }
}
