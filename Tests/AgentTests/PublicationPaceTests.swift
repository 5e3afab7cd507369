import Cluster
import Kubernetes
import NetworkErrors
import TestSupport
import Testing

/// The number of requests to an API server that refuses them, does not answer, or whose Node another client keeps
/// changing.
@Suite struct PublicationPaceTests {
    private let start = ContinuousClock.now
    private let denied = KubernetesError.invalid(
        message: "nodes \"gpu-1\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no",
        causes: []
    )
    private let away = KubernetesError.timedOut(subject: "get node gpu-1", after: .seconds(10))

    /// The number of attempts within a time when every attempt fails with the same error.
    private func attempts(_ error: KubernetesError, within limit: Duration) -> Int {
        var (pace, now, count, generator) = (PublicationPace(), start, 0, SeededGenerator(seed: 7))
        while now < start + limit {
            count += 1
            pace.failed(error, at: now, using: &generator)
            now += max(.milliseconds(1), pace.delay(at: now))
        }
        return count
    }

    @Test func aRefusalIsRepeatedAFewTimesAMinute() {
        #expect(denied.isRefusal && KubernetesError.unauthorized(subject: "x").isRefusal)
        #expect((2...4).contains(attempts(denied, within: .seconds(60))))
        #expect(attempts(denied, within: .seconds(3600)) <= 125)
    }

    @Test func aServerThatIsAwayIsAskedAfterSecondsAndThenSeveralTimesAMinute() {
        #expect(!away.isRefusal)
        #expect((5...8).contains(attempts(away, within: .seconds(60))))
        #expect((240...480).contains(attempts(away, within: .seconds(3600))))
    }

    /// An attempt costs such a server up to two requests.
    @Test func aServerThatFailsIsAskedAfterSecondsAndThenEachMinute() {
        let failing = KubernetesError.server(status: 500, message: "no", retryAfter: nil)
        #expect((3...6).contains(attempts(failing, within: .seconds(60))))
        #expect(attempts(failing, within: .seconds(3600)) <= 128)
    }

    /// The most requests within a minute when each attempt costs a number of requests and fails.
    @Test(arguments: 1...4)
    func theRequestsOfAMinuteAreLimitedWhateverAnAttemptCosts(_ cost: Int) {
        var (budget, now, times) = (RequestBudget(), start, [ContinuousClock.Instant]())
        while now < start + .seconds(600) {
            if budget.delay(for: cost, at: now) == .zero {
                for _ in 0..<cost {
                    budget.spend(at: now)
                    times.append(now)
                }
            }
            now += .milliseconds(500)
        }
        let most = times.map { first in times.count { $0 >= first && $0 < first + .seconds(60) } }.max()
        #expect(most == RequestBudget.perWindow / cost * cost)
        // A request that the server did not get does not count, and a success gives the whole budget back.
        budget.refund(times[times.count - 1])
        budget.reset()
        #expect(budget.delay(for: RequestBudget.perWindow, at: now) == .zero)
    }

    @Test func aRequestWithoutAConnectionDoesNotCount() {
        var budget = RequestBudget()
        for _ in 0..<RequestBudget.perWindow { budget.spend(at: start) }
        #expect(budget.delay(for: 1, at: start) == .seconds(62))
        budget.refund(start)
        #expect(budget.delay(for: 1, at: start) == .zero && budget.delay(for: 2, at: start) == .seconds(62))
        func unreachable(_ cause: NetworkError) -> KubernetesError { .unreachable(subject: "x", cause: cause) }
        #expect(!unreachable(.connectionRefused).isSent && !unreachable(.nameNotResolved("x")).isSent)
        #expect(unreachable(.connectionClosed).isSent && away.isSent && denied.isSent)
    }

    /// The number of watches within a time when every watch fails at once.
    private func watches(_ error: KubernetesError?, within limit: Duration, seed: UInt64) -> Int {
        var (pace, now, count, generator) = (WatchPace(), start, 0, SeededGenerator(seed: seed))
        while now < start + limit {
            count += 1
            now += pace.failed(error, after: .zero, using: &generator)
        }
        return count
    }

    @Test(arguments: [
        KubernetesError.forbidden(message: "no"), .unauthorized(subject: "x"), .notFound(message: "no"),
        .server(status: 405, message: "no", retryAfter: nil),
    ])
    func aRefusedWatchIsTriedAgainOnceOrTwiceAMinute(_ error: KubernetesError) {
        for seed in UInt64(1)...50 {
            #expect(watches(error, within: .seconds(60), seed: seed) == 2)
            #expect((60...120).contains(watches(error, within: .seconds(3600), seed: seed)))
        }
    }

    /// Each failed watch costs two requests.
    ///
    /// `NodeMirror.watchVersion` limits them together with the other ones.
    @Test func aBrokenWatchIsTriedAgainAFewTimesAMinute() {
        for seed in UInt64(1)...50 {
            for error in [nil, KubernetesError.server(status: 500, message: "no", retryAfter: nil)] {
                #expect((2...3).contains(watches(error, within: .seconds(60), seed: seed)))
            }
        }
    }

    @Test func aLostConnectionIsReplacedWithinSeconds() {
        var (pace, generator) = (WatchPace(), SeededGenerator(seed: 7))
        #expect(pace.failed(away, after: .seconds(60), using: &generator) < .seconds(5))
        #expect(pace.failed(away, after: .seconds(60), using: &generator) >= .seconds(10))
        pace.succeeded()
        #expect(pace.failures == 0 && pace.failed(away, after: .seconds(60), using: &generator) < .seconds(5))
        let busy = KubernetesError.tooManyRequests(retryAfter: .seconds(1_000_000))
        #expect(pace.failed(busy, after: .zero, using: &generator) <= .seconds(120))
    }

    @Test func aFailedTestOfAPatchIsNoRefusal() {
        let text = "the server rejected our request due to an error in our request"
        #expect(KubernetesError.invalid(message: text, causes: []).isFailedTest)
        #expect(!denied.isFailedTest)
        let field = InvalidField(field: "metadata.labels", reason: "FieldValueInvalid", message: "bad")
        #expect(!KubernetesError.invalid(message: text, causes: [field]).isFailedTest)
    }

    @Test func whatTheServerAsksForIsWaited() {
        var (pace, generator) = (PublicationPace(), SeededGenerator(seed: 7))
        pace.failed(.tooManyRequests(retryAfter: .seconds(20)), at: start, using: &generator)
        #expect(pace.delay(at: start) >= .seconds(20))
        // A header with an absurd number does not put the agent to sleep.
        pace.failed(.tooManyRequests(retryAfter: .seconds(1_000_000)), at: start, using: &generator)
        #expect(pace.delay(at: start) <= .seconds(120))
    }

    @Test func aServerThatAnswersAgainEndsTheWaitButNotARefusal() {
        var (pace, generator) = (PublicationPace(), SeededGenerator(seed: 7))
        pace.failed(away, at: start, using: &generator)
        #expect(pace.delay(at: start) > .zero)
        pace.reachable()
        #expect(pace.delay(at: start) == .zero)
        pace.failed(denied, at: start, using: &generator)
        pace.reachable()
        #expect(pace.delay(at: start) > .zero)
        pace.succeeded()
        #expect(pace.delay(at: start) == .zero)
    }

    @Test func writesAreFewAMinuteHoweverOftenTheNodeIsChanged() {
        var (pace, now, count) = (PublicationPace(), start, 0)
        while now < start + .seconds(600) {
            if pace.delay(at: now) == .zero {
                pace.wrote(at: now)
                count += 1
            }
            now += .milliseconds(100)
        }
        #expect((54...66).contains(count))
    }
}
