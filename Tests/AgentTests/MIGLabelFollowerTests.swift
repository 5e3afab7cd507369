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
