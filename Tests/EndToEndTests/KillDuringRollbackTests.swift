import ClusterSupport
import NodeModel
import TestSupport
import Testing

/// An agent that is killed while it goes back to the old driver, and started again.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct KillDuringRollbackTests {
    private typealias Fault = RollbackTests.Fault

    /// The number of journal writes until the failure of the new driver is recorded: the steps begin, download, unload
    /// and install.
    private static let untilFailure = 7

    private static func writes(_ fault: Fault) -> Int { untilFailure + 2 * fault.steps.count }

    @Test(arguments: [RollbackTests.Fault.build, .files])
    func theWayBackHasAsManyKillPointsAsAreTried(_ fault: RollbackTests.Fault) async throws {
        let shim = try await KillShim.shared()
        try await SimulatedNode.with { node in
            try await node.agent("install", node.options(for: RollbackTests.old)).expectExit(0)
            try await node.breakDriver(fault)
            let writes = node.directory.path("writes")
            let options = try node.options(for: RollbackTests.new)
            try await node.agent("install", options, environment: shim.counting(in: writes)).expectExit(1)
            // The first step of the way back has one write, because the journal is about the failed install until then.
            #expect(try node.directory.text("writes").utf8.count == Self.writes(fault) - 1)
        }
    }

    /// The next install goes on, and ends with the old driver again, whether or not it tries the new one before.
    @Test(arguments: [RollbackTests.Fault.build, .files], 0..<2)
    func goesOnWhereItWasKilled(_ fault: RollbackTests.Fault, part: Int) async throws {
        let uninterrupted = try await Uninterrupted.shared(RollbackTests.old)
        let shim = try await KillShim.shared()
        let all = KillPoint.distinct(Self.untilFailure...Self.writes(fault) - 1)
        let points = all.enumerated().filter { $0.offset % 2 == part }.map(\.element)
        try await SimulatedNode.with { node in
            try await node.agent("install", node.options(for: RollbackTests.old)).expectExit(0)
            try await node.breakDriver(fault)
            let options = try node.options(for: RollbackTests.new)
            for point in points {
                let killed = try await node.agent("install", options, environment: shim.killing(at: point))
                #expect(killed.wasKilled, "\(point.testDescription): \(killed)")
                try await node.agent("install", options).expectExit(1)
                try await node.expectOldDriver(options, fault)
                expectSame(try await node.tree(), uninterrupted.tree, "killed \(point.testDescription)")
                #expect(node.processes() == [])
            }
            try await node.repairDriver()
            try await node.agent("install", options).expectExit(0)
            try await node.expectWholeInstall(like: Uninterrupted.shared(RollbackTests.new))
        }
    }

    /// A daemon finishes the way back, and does not try the new driver again.
    @Test(arguments: [7, 8, 10, 12, 15])
    func aDaemonFinishesTheWayBack(_ write: Int) async throws {
        let shim = try await KillShim.shared()
        try await TestCluster.with { cluster in
            try await SimulatedNode.with { node in
                try await node.agent("install", node.options(for: RollbackTests.old)).expectExit(0)
                try await node.breakDriver(.files)
                let options = try node.options(for: RollbackTests.new)
                let point = KillPoint(write: write, side: .after)
                let killed = try await node.agent("install", options, environment: shim.killing(at: point))
                #expect(killed.wasKilled, "\(killed)")
                let failed = try node.journal().failed
                #expect(failed != nil)
                try await RunningAgent.with(node, cluster, options: options + ["--interval", "1s"]) { agent in
                    try await agent.awaitVerdict(.ready)
                    try await node.expectOldDriver(options, .files)
                    #expect(try node.journal().failed == failed)
                }
            }
        }
    }
}
