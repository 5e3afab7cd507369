import Support
import Testing

@testable import Agent

@Suite(.timeLimit(.minutes(1)))
struct AlarmTests {
    @Test func wakesTheLoopOnceItIsTime() async {
        let wakeUp = Bell()
        let alarm = Alarm(wakeUp: wakeUp)
        let start = ContinuousClock.now
        alarm.ring(in: .seconds(1_000_000))
        alarm.ring(in: .milliseconds(50))
        for await _ in wakeUp.calls { break }
        #expect(ContinuousClock.now - start >= .milliseconds(50))
    }

    @Test func aCancelledAlarmStaysSilent() async throws {
        let wakeUp = Bell()
        let alarm = Alarm(wakeUp: wakeUp)
        alarm.ring(in: .milliseconds(20))
        alarm.cancel()
        try await Task.sleep(for: .milliseconds(100))
        let start = ContinuousClock.now
        alarm.ring(in: .milliseconds(50))
        for await _ in wakeUp.calls { break }
        #expect(ContinuousClock.now - start >= .milliseconds(50), "the cancelled alarm rang")
    }
    @Test func theEndOfTheClockStartsNoInspection() async throws {
        let wakeUp = Bell()
        let clock = Task { try await ClockWatcher(interval: .seconds(1000), wakeUp: wakeUp).run() }
        try await Task.sleep(for: .milliseconds(500))
        clock.cancel()
        try await clock.value
        let alarm = Alarm(wakeUp: wakeUp)
        let start = ContinuousClock.now
        alarm.ring(in: .milliseconds(50))
        for await _ in wakeUp.calls { break }
        #expect(ContinuousClock.now - start >= .milliseconds(50), "the clock rang at its end")
    }
}
