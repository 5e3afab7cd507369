import Cluster
import ClusterSupport
import Kubernetes
import TestSupport
import Testing

/// A watch that fails leaves room for the other requests of the agent.
@Suite(.timeLimit(.minutes(2)))
struct WatchRoomTests {
    @Test func aFailedWatchWaitsForRoom() async throws {
        try await TestCluster.with { cluster in
            let mirror = TestLink(cluster).mirror
            #expect(await mirror.watchVersion() == nil)
            // The reads succeed, as those of a node do on which only the watch fails.
            for count in 1...RequestBudget.perWindow {
                _ = try await mirror.read()
                await mirror.published()
                let hasRoom = count <= RequestBudget.perWindow - 2
                #expect(await (mirror.watchVersion(afterFailure: true) != nil) == hasRoom, "after \(count) requests")
                #expect(await mirror.watchVersion() != nil)
            }
            // The API server is back, so the watch must not wait.
            await mirror.published(isFirst: true)
            #expect(await mirror.watchVersion(afterFailure: true) != nil)
        }
    }

    @Test func aWatchCountsAsARequest() async throws {
        try await TestCluster.with { cluster in
            let mirror = TestLink(cluster).mirror
            _ = try await mirror.read()
            for _ in 2..<RequestBudget.perWindow { await mirror.watchStarts() }
            #expect(await mirror.watchVersion(afterFailure: true) == nil)
        }
    }
}
