import NodeModel
import Testing

@testable import Agent

@Suite struct InstallBackoffTests {
    @Test func waitsLongerAfterEachFailure() {
        var backoff = InstallBackoff()
        var instant = ContinuousClock.now
        #expect(backoff.allows(at: instant))
        for seconds in [30, 60, 120, 240, 480, 960, 1800, 1800] {
            let pause = backoff.failed(.installerFailed, at: instant)
            #expect(pause == .seconds(seconds))
            #expect(!backoff.allows(at: instant))
            #expect(!backoff.allows(at: instant + pause - .milliseconds(1)))
            #expect(backoff.allows(at: instant + pause))
            instant += pause
        }
    }

    @Test func forgetsTheFailuresBeforeASuccess() {
        var backoff = InstallBackoff()
        let instant = ContinuousClock.now
        for _ in 0..<3 { _ = backoff.failed(.downloadFailed, at: instant) }
        backoff.succeeded()
        #expect(backoff.allows(at: instant))
        #expect(backoff.failed(.downloadFailed, at: instant) == .seconds(30))
    }

    /// An early retry would get the same answer.
    @Test(arguments: [.downloadHashMismatch, .downloadForbidden, .downloadNotFound, .downloadWebPage] as [ReasonCode])
    func waitsTheLongestAfterAnAnswerThatStays(_ code: ReasonCode) {
        var backoff = InstallBackoff()
        let instant = ContinuousClock.now
        #expect(backoff.failed(code, at: instant) == .seconds(1800))
        #expect(!backoff.allows(at: instant + .seconds(1799)) && backoff.allows(at: instant + .seconds(1800)))
        #expect(backoff.failed(.installerFailed, at: instant) == .seconds(1800))
    }
}
