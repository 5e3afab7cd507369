import Kubernetes
import Support
import Testing

/// A random number generator that gives the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// A clock that counts waits and ends them immediately.
final class InstantClock: Clock {
    typealias Duration = Swift.Duration
    typealias Instant = ContinuousClock.Instant

    let now = ContinuousClock.now
    let minimumResolution = Duration.zero

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {}
}

@Suite struct RetryPolicyTests {
    struct Cause: Error {}

    struct Case: Sendable, CustomTestStringConvertible {
        var error: KubernetesError
        var attempt: Int
        /// The shortest and the longest delay; nil for no retry.
        var delay: ClosedRange<Duration>?

        var testDescription: String { "attempt \(attempt): \(error)" }
    }

    static let cases: [Case] = [
        Case(error: .unreachable(subject: "x", cause: Cause()), attempt: 1, delay: .zero ... .seconds(1)),
        Case(error: .unreachable(subject: "x", cause: Cause()), attempt: 2, delay: .zero ... .seconds(2)),
        Case(error: .unreachable(subject: "x", cause: Cause()), attempt: 4, delay: .zero ... .seconds(8)),
        Case(error: .timedOut(subject: "x", after: .seconds(1)), attempt: 5, delay: .zero ... .seconds(10)),
        Case(error: .unreachable(subject: "x", cause: Cause()), attempt: 6, delay: nil),
        Case(error: .tooManyRequests(retryAfter: nil), attempt: 1, delay: .zero ... .seconds(1)),
        Case(error: .tooManyRequests(retryAfter: .seconds(60)), attempt: 1, delay: .seconds(60) ... .seconds(61)),
        Case(error: .tooManyRequests(retryAfter: .seconds(60)), attempt: 6, delay: nil),
        Case(error: .tooManyRequests(retryAfter: .seconds(61)), attempt: 1, delay: nil),
        Case(error: .server(status: 503, message: "", retryAfter: .seconds(86_400)), attempt: 1, delay: nil),
        Case(error: .server(status: 500, message: "", retryAfter: nil), attempt: 1, delay: .zero ... .seconds(1)),
        Case(
            error: .server(status: 503, message: "", retryAfter: .seconds(3)),
            attempt: 1,
            delay: .seconds(3) ... .seconds(4)
        ),
        Case(error: .server(status: 400, message: "", retryAfter: nil), attempt: 1, delay: nil),
        Case(error: .unauthorized(subject: "x"), attempt: 1, delay: nil),
        Case(error: .forbidden(message: ""), attempt: 1, delay: nil),
        Case(error: .notFound(message: ""), attempt: 1, delay: nil),
        Case(error: .conflict(message: "", fields: []), attempt: 1, delay: nil),
        Case(error: .alreadyExists(message: ""), attempt: 1, delay: nil),
        Case(error: .invalid(message: "", causes: []), attempt: 1, delay: nil),
        Case(error: .unsupportedMediaType(message: ""), attempt: 1, delay: nil),
        Case(error: .gone(message: ""), attempt: 1, delay: nil),
        Case(error: .malformed(subject: "x", detail: ""), attempt: 1, delay: nil),
        Case(error: .cancelled(subject: "x"), attempt: 1, delay: nil),
        Case(error: .credentials(path: "x", cause: nil), attempt: 1, delay: nil),
        Case(error: .notInCluster(missing: "x"), attempt: 1, delay: nil),
    ]

    private let policy = RetryPolicy(base: .seconds(1), cap: .seconds(10), attempts: 6)

    @Test(arguments: cases)
    func decides(_ test: Case) {
        for seed in UInt64(0)..<50 {
            var generator = SeededGenerator(state: seed)
            switch policy.decision(afterAttempt: test.attempt, error: test.error, using: &generator) {
            case .giveUp: #expect(test.delay == nil)
            case .retry(let delay): #expect(test.delay?.contains(delay) == true, "\(delay)")
            }
        }
    }

    @Test func spreadsNodesThatFailedTogether() {
        let delays = (UInt64(0)..<100).map { seed in
            var generator = SeededGenerator(state: seed)
            return policy.decision(afterAttempt: 4, error: .tooManyRequests(retryAfter: nil), using: &generator)
        }
        let early = delays.filter { $0.isBefore(.seconds(2)) }.count
        let late = delays.filter { !$0.isBefore(.seconds(6)) }.count
        #expect(early > 10 && late > 10)
    }

    @Test func asksAgainUntilThereIsAnAnswer() async throws {
        var generator = SeededGenerator(state: 1)
        var asked = 0
        let value = try await policy.run(clock: InstantClock(), using: &generator) { () throws(KubernetesError) in
            asked += 1
            if asked < 3 { throw .tooManyRequests(retryAfter: .seconds(1)) }
            return asked
        }
        #expect(value == 3)
    }

    @Test func stopsAtTheLastAttempt() async {
        var generator = SeededGenerator(state: 1)
        var asked = 0
        do throws(KubernetesError) {
            try await policy.run(clock: InstantClock(), using: &generator) { () throws(KubernetesError) in
                asked += 1
                throw .server(status: 500, message: "broken", retryAfter: nil)
            }
            Issue.record("no failure")
        } catch {
            #expect(asked == 6)
        }
    }

    @Test func neverRepeatsARefusal() async {
        var generator = SeededGenerator(state: 1)
        var asked = 0
        do throws(KubernetesError) {
            try await policy.run(clock: InstantClock(), using: &generator) { () throws(KubernetesError) in
                asked += 1
                throw .forbidden(message: "no")
            }
            Issue.record("no failure")
        } catch {
            #expect(asked == 1)
        }
    }
}

extension RetryPolicy.Decision {
    fileprivate func isBefore(_ limit: Duration) -> Bool {
        guard case .retry(let delay) = self else { return false }
        return delay < limit
    }
}
