import Glibc
import Testing

@testable import VendorProbe

/// The time in which child processes call the driver.
@Suite struct CallTimeTests {
    @Test func callsSideBySideCountOnce() {
        let calls = CallTime()
        let begin = ContinuousClock.now
        #expect(calls.sum == .zero)
        calls.counting {
            calls.counting { _ = usleep(20_000) }
            // The outer call still runs.
            #expect(calls.sum >= .milliseconds(20))
        }
        let wall = begin.duration(to: .now)
        #expect(calls.sum >= .milliseconds(20) && calls.sum <= wall)
    }

    @Test func theTimeBetweenCallsDoesNotCount() {
        let calls = CallTime()
        calls.counting {}
        let before = calls.sum
        usleep(20_000)
        #expect(calls.sum == before)
    }
}
