import Cluster
import ClusterSupport
import Kubernetes
import NodeModel
import SimulatedCluster
import Support
import Testing

@testable import Agent

/// When the daemon makes the MIG layout of a label, and what it publishes.
///
/// Who makes it, `MIGRequestTests` covers.
@Suite struct MIGLabelFollowerTests {
    private let start = ContinuousClock.now

    @Test func aLayoutIsMadeOnce() {
        var follower = MIGLabelFollower()
        #expect(follower.due(.make("half"), at: start) == "half" && follower.state == .pending)
        follower.end(.success, at: start)
        #expect(follower.due(.make("half"), at: start + .seconds(86400)) == nil && follower.state == .success)
        #expect(follower.due(.make("other"), at: start) == "other" && follower.state == .pending)
    }

    @Test(arguments: [MIGConfigState.failed, .pending]) func whatIsNotThereIsTriedAgain(_ state: MIGConfigState) {
        var follower = MIGLabelFollower()
        #expect(follower.due(.make("half"), at: start) == "half")
        follower.end(state, at: start)
        #expect(follower.due(.make("half"), at: start + MIGLabelFollower.pause - .seconds(1)) == nil)
        #expect(follower.state == state)
        #expect(follower.due(.make("half"), at: start + MIGLabelFollower.pause) == "half")
        // A new value of the label waits for nothing.
        follower.end(state, at: start)
        #expect(follower.due(.make("other"), at: start) == "other")
    }

    @Test(arguments: [MIGRequest.Decision.nothing, .leave("why")])
    func withoutARequestThereIsNoState(_ decision: MIGRequest.Decision) {
        var follower = MIGLabelFollower()
        _ = follower.due(.make("half"), at: start)
        follower.end(.success, at: start)
        #expect(follower.due(decision, at: start) == nil && follower.state == nil)
        #expect(follower.due(.make("half"), at: start) == "half", "the other program can have changed the layout")
    }

    /// The node waits for the first attempt, and for no other.
    @Test func theChecksHearHowFarItIs() {
        var follower = MIGLabelFollower()
        func wish(_ hasWorked: Bool = false, _ decision: MIGRequest.Decision = .make("half")) -> MIGLabelWish? {
            follower.wish(decision, hasWorked: hasWorked)
        }
        #expect(wish() == MIGLabelWish(layout: "half", state: .first), "before the first look at the label")
        #expect(wish(true) == MIGLabelWish(layout: "half", state: .making))
        #expect(wish(false, .nothing) == nil && wish(false, .leave("why")) == nil)
        #expect(follower.due(.make("half"), at: start) == "half")
        #expect(wish()?.state == .first, "while the attempt runs")
        follower.end(.failed, "in use\u{1b} by \(String(repeating: "x", count: 400))", at: start)
        #expect(wish()?.state == .failed)
        #expect(wish()?.why?.hasPrefix("in use") == true && wish()?.why?.contains("\u{1b}") == false)
        #expect((wish()?.why?.count ?? 0) < 310)
        #expect(follower.due(.make("half"), at: start + MIGLabelFollower.pause) == "half")
        #expect(wish()?.state == .failed, "another attempt holds up no pod")
        follower.end(.pending, "a GPU needs a reset first", at: start)
        #expect(wish() == MIGLabelWish(layout: "half", state: .waiting, why: "a GPU needs a reset first"))
        follower.end(.success, at: start)
        #expect(wish() == nil)
        #expect(wish(false, .make("other"))?.state == .first, "before the follower has seen the new label")
        #expect(follower.due(.make("other"), at: start) == "other")
        #expect(wish(true, .make("other"))?.state == .making)
    }

    @Test func theMirrorTellsWhoOwnsTheState() async throws {
        try await TestCluster.with { cluster in
            let mirror = TestLink(cluster).mirror
            #expect(await mirror.migRequest == nil)
            let labels: JSON = ["nvidia.com/mig.config": "half", "nvidia.com/mig.config.state": "success"]
            try await cluster.changeNode(["metadata": ["labels": labels]], fieldManager: "nvidia-mig-manager")
            _ = await mirror.ownerLabels()
            #expect(await mirror.migRequest == MIGRequest(layout: "half", stateOwners: ["nvidia-mig-manager"]))
        }
    }
}
