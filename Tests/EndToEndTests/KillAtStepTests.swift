import NodeModel
import Synchronization
import TestSupport
import Testing

/// An agent that is killed before or after a step, and started again.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct KillAtStepTests {
    @Test func theInstallHasAsManyKillPointsAsAreTried() async throws {
        let uninterrupted = try await Uninterrupted.shared()
        #expect(uninterrupted.journalWrites == KillPoint.writes)
        #expect(uninterrupted.moduleLoads == 2)
        for file in ["libcuda.so.595.91.07", "nvidia-gridd", "nvidia.ko", "journal.json", "/dev/nvidia-uvm"] {
            #expect(uninterrupted.tree.contains { $0.contains(file) })
        }
    }

    @Test(arguments: KillPoint.all)
    func goesOnWhereItWasKilled(_ point: KillPoint) async throws {
        let uninterrupted = try await Uninterrupted.shared()
        let shim = try await KillShim.shared()
        try await SimulatedNode.with { node in
            let killed = try await node.agent("install", environment: shim.killing(at: point))
            #expect(killed.wasKilled, "\(killed)")
            try await node.agent("install").expectExit(0)
            try await node.expectWholeInstall(like: uninterrupted)
            // Nothing that was done is done a second time.
            #expect(try node.requests().count == 1)
            #expect(node.moduleLoads() == uninterrupted.moduleLoads)
        }
    }
}

/// The result of an install without an interruption.
struct Uninterrupted: Sendable {
    var tree: [String]
    var journalWrites: Int
    var moduleLoads: Int

    private static let made = Task {
        let shim = try await KillShim.shared()
        let directory = try TemporaryDirectory()
        let made = Mutex<Uninterrupted?>(nil)
        try await SimulatedNode.with { node in
            let environment = shim.counting(in: directory.path("writes"))
            try await node.agent("install", environment: environment).expectExit(0)
            let left = Uninterrupted(
                tree: try await node.tree(),
                journalWrites: try directory.text("writes").utf8.count,
                moduleLoads: node.moduleLoads()
            )
            made.withLock { $0 = left }
        }
        let left = made.withLock { $0 }
        return try #require(left)
    }

    /// Call this before a node is started: the first call starts its own node.
    static func shared() async throws -> Uninterrupted { try await made.value }
}

extension SimulatedNode {
    /// Expects a working node with one driver, a complete journal, and no temporary files.
    func expectWholeInstall(
        like uninterrupted: Uninterrupted,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let status = try await self.status()
        #expect(status.verdict == "ready", sourceLocation: sourceLocation)
        #expect(status.driver.sources.count == 5, sourceLocation: sourceLocation)
        #expect(Set(status.driver.sources.map(\.version)) == ["595.91.07"], sourceLocation: sourceLocation)
        let journal = try self.journal()
        #expect(journal.record?.state == .installed, sourceLocation: sourceLocation)
        #expect(journal.record?.version == "595.91.07", sourceLocation: sourceLocation)
        #expect(Set(journal.steps.map(\.step)).isSuperset(of: wholeInstall), sourceLocation: sourceLocation)
        #expect(journal.steps.allSatisfy { $0.state == .done }, sourceLocation: sourceLocation)
        expectSame(try await tree(), uninterrupted.tree, sourceLocation: sourceLocation)
        #expect(processes() == [], sourceLocation: sourceLocation)
    }
}
