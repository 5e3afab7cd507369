import Cluster
import NodeModel
import Testing

/// How often the agent sets a field again that another client keeps changing, and when that becomes a finding.
@Suite struct FieldContestsTests {
    private let start = ContinuousClock.now
    private let label = "the label gpu-agent.dev/verdict"

    @Test func aFieldThatIsChangedOnceIsNotContested() {
        var contests = FieldContests()
        contests.rewrote(label, after: ["somebody"], at: start)
        #expect(!contests.isPaused(label, at: start))
        #expect(contests.fields(at: start).isEmpty && contests.nextAttempt(after: start) == nil)
    }

    @Test func aContestedFieldIsSetAFewTimesAMinute() {
        var (contests, now, count) = (FieldContests(), start, 0)
        while now < start + .seconds(600) {
            if !contests.isPaused(label, at: now) {
                contests.rewrote(label, after: ["somebody"], at: now)
                count += 1
            }
            now += .milliseconds(100)
        }
        let most = FieldContests.rewritesPerMinute * 10
        #expect((most - 3...most).contains(count))
        #expect(!contests.isPaused("the taint gpu-agent.dev/not-ready", at: now))
    }

    @Test func theFindingNamesTheManagersAndEndsWithTheContest() {
        var contests = FieldContests()
        // A client that removes the field leaves no owner.
        for managers in [["somebody"], ["somebody"], []] { contests.rewrote(label, after: managers, at: start) }
        #expect(contests.fields(at: start) == [ContestedField(field: label, managers: ["somebody"])])
        #expect(contests.nextAttempt(after: start) == .seconds(60))
        #expect(contests.nextAttempt(after: start + .seconds(61)) == nil)
        #expect(contests.fields(at: start + .seconds(599)).count == 1)
        #expect(contests.fields(at: start + .seconds(601)).isEmpty)
    }
}
