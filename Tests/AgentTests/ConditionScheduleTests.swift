import Cluster
import Kubernetes
import TestSupport
import Testing

/// When the conditions may be written, without a server and without a wait.
@Suite struct ConditionScheduleTests {
    private let start = ContinuousClock.now
    private var random = SeededGenerator(seed: 11)

    @Test mutating func aHeartbeatIsSlowAndSpread() {
        var delays: [Duration] = []
        for _ in 0..<200 {
            var schedule = ConditionSchedule()
            schedule.wrote(at: start, using: &random)
            delays.append(schedule.delay(for: .heartbeat, at: start))
        }
        #expect(delays.allSatisfy { (.seconds(600)...Duration.seconds(900)).contains($0) })
        #expect((delays.max() ?? .zero) - (delays.min() ?? .zero) > .seconds(200))
    }

    /// An agent that starts on a Node that is right writes nothing.
    @Test mutating func theFirstHeartbeatIsNotAtTheStart() {
        var schedule = ConditionSchedule()
        schedule.begin(at: start, using: &random)
        let first = schedule.delay(for: .heartbeat, at: start)
        #expect(first >= .seconds(600))
        // It does not move with later inspections.
        schedule.begin(at: start + .seconds(300), using: &random)
        #expect(schedule.delay(for: .heartbeat, at: start) == first)
        #expect(schedule.delay(for: .heartbeat, at: start + .seconds(900)) <= .zero)
    }

    @Test mutating func aStatusIsWrittenAtOnceAFewTimesAMinute() {
        var schedule = ConditionSchedule()
        for second in 0..<ConditionSchedule.writesPerMinute {
            #expect(schedule.delay(for: .state, at: start + .seconds(second)) <= .zero)
            schedule.wrote(at: start + .seconds(second), using: &random)
        }
        #expect(schedule.delay(for: .state, at: start + .seconds(10)) == .seconds(50))
        #expect(schedule.delay(for: .state, at: start + .seconds(60)) <= .zero)
    }

    @Test mutating func aMessageAloneWaitsAMinute() {
        var schedule = ConditionSchedule()
        #expect(schedule.delay(for: .text, at: start) <= .zero)
        schedule.wrote(at: start, using: &random)
        #expect(schedule.delay(for: .text, at: start + .seconds(10)) == .seconds(50))
        #expect(schedule.delay(for: .state, at: start + .seconds(10)) <= .zero)
    }

    @Test mutating func aRefusalDelaysEveryWriteUntilOneSucceeds() {
        var schedule = ConditionSchedule()
        schedule.failed(.forbidden(message: "no"), at: start, using: &random)
        #expect(schedule.isFailing)
        for urgency in ConditionUpdate.Urgency.allCases {
            #expect(schedule.delay(for: urgency, at: start) >= .seconds(10))
        }
        schedule.wrote(at: start + .seconds(60), using: &random)
        #expect(!schedule.isFailing)
        #expect(schedule.delay(for: .state, at: start + .seconds(60)) <= .zero)
    }
}
