import NodeModel
import TestSupport
import Testing

@testable import Agent

/// When the daemon makes lost MIG layouts again.
///
/// Which ones are lost, `MIGComparisonTests` covers.
@Suite struct MIGRestorationTests {
    private let lost = NodeFacts.h100([], mode: false, recorded: [.recorded(["3g.40gb"])])

    @Test func aFailedAttemptIsFollowedByAPause() {
        var restoration = MIGRestoration()
        let start = ContinuousClock.now
        #expect(restoration.isDue(lost, at: start))
        restoration.end(isMade: false, at: start)
        #expect(!restoration.isDue(lost, at: start + MIGRestoration.pause - .seconds(1)))
        #expect(restoration.isDue(lost, at: start + MIGRestoration.pause))
    }

    /// The driver can be loaded again at any time.
    @Test func aLayoutThatIsLostAgainIsMadeAtOnce() {
        var restoration = MIGRestoration()
        restoration.end(isMade: true, at: .now)
        #expect(restoration.isDue(lost, at: .now))
    }

    @Test func nothingIsDueWithoutALoss() {
        let there = NodeFacts.h100(["3g.40gb"], recorded: [.recorded(["3g.40gb"])])
        #expect(!MIGRestoration().isDue(there, at: .now))
        #expect(!MIGRestoration().isDue(.h100Ready, at: .now))
    }
}
