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
    var version: String
    var tree: [String]
    var journalWrites: Int
    var moduleLoads: Int
    var duration: Duration
    /// How long each step took, in seconds.
    var seconds: [StepID: Double]

    private static let made = [
        "595.91.07": Task { try await make("595.91.07") }, "580.105.08": Task { try await make("580.105.08") },
    ]

    private static func make(_ version: String) async throws -> Uninterrupted {
        let shim = try await KillShim.shared()
        let directory = try TemporaryDirectory()
        let made = Mutex<Uninterrupted?>(nil)
        try await SimulatedNode.with { node in
            let environment = shim.counting(in: directory.path("writes"))
            let start = ContinuousClock.now
            try await node.agent("install", node.options(for: version), environment: environment).expectExit(0)
            let left = Uninterrupted(
                version: version,
                tree: try await node.tree(),
                journalWrites: try directory.text("writes").utf8.count,
                moduleLoads: node.moduleLoads(),
                duration: ContinuousClock.now - start,
                seconds: Dictionary(
                    uniqueKeysWithValues: try node.journal().steps.compactMap { step in
                        step.seconds.map { (step.step, $0) }
                    }
                )
            )
            made.withLock { $0 = left }
        }
        let left = made.withLock { $0 }
        return try #require(left)
    }

    /// Call this before a node is started: the first call starts its own node.
    static func shared(_ version: String = "595.91.07") async throws -> Uninterrupted {
        try await #require(made[version]).value
    }
}

extension SimulatedNode {
    /// Expects a working node with one driver, a complete journal, and no temporary files.
    ///
    /// Files whose lines contain one of the texts of `others` are not compared.
    func expectWholeInstall(
        like uninterrupted: Uninterrupted,
        _ comment: Comment? = nil,
        besides others: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let status = try await self.status()
        #expect(status.verdict == "ready", comment, sourceLocation: sourceLocation)
        #expect(status.driver.sources.count == 5, comment, sourceLocation: sourceLocation)
        let versions = Set(status.driver.sources.map(\.version))
        #expect(versions == [uninterrupted.version], comment, sourceLocation: sourceLocation)
        let journal = try self.journal()
        #expect(journal.record?.state == .installed, comment, sourceLocation: sourceLocation)
        #expect(journal.record?.version == uninterrupted.version, comment, sourceLocation: sourceLocation)
        #expect(Set(journal.steps.map(\.step)).isSuperset(of: wholeInstall), comment, sourceLocation: sourceLocation)
        #expect(journal.steps.allSatisfy { $0.state == .done }, comment, sourceLocation: sourceLocation)
        let tree = try await tree().filter { line in !others.contains(where: line.contains) }
        expectSame(tree, uninterrupted.tree, comment, sourceLocation: sourceLocation)
        #expect(processes() == [], comment, sourceLocation: sourceLocation)
    }
}
