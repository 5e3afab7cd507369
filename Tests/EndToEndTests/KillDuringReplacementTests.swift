import FoundationEssentials
import Glibc
import NodeModel
import TestSupport
import Testing

/// An agent that is killed while it replaces a driver, once or many times, and started again.
///
/// `KillAtStepTests` and `KillInTheMiddleTests` do the same on a node without a driver. `KillMatrixTests` has random
/// moments inside the long operations.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct KillDuringReplacementTests {
    private static let parts = 3

    @Test(arguments: [ReplacedDriver.own, .foreign])
    func theChangeHasAsManyKillPointsAsAreTried(_ replaced: ReplacedDriver) async throws {
        let shim = try await KillShim.shared()
        try await SimulatedNode.with(set: replaced.settings) { node in
            let options = try await replaced.prepare(node)
            let writes = node.directory.path("writes")
            try await node.agent("install", options, environment: shim.counting(in: writes)).expectExit(0)
            #expect(try node.directory.text("writes").utf8.count == replaced.journalWrites)
            #expect(try node.journal().steps.map(\.step) == replaced.steps)
        }
    }

    /// The points around `unload` and `install`, and some of the points that every install has.
    ///
    /// Each node takes a part of them. It changes between the two versions, so that each change is an upgrade or a
    /// downgrade of the agent's own driver.
    @Test(arguments: 0..<parts)
    func anUpgradeGoesOnWhereItWasKilled(_ part: Int) async throws {
        let results = [try await Uninterrupted.shared(), try await Uninterrupted.shared("580.105.08")]
        let shim = try await KillShim.shared()
        let all =
            KillPoint.distinct(2...7)
            + [1, 9, ReplacedDriver.own.journalWrites].map { KillPoint(write: $0, side: .before) }
        let points = all.enumerated().filter { $0.offset % Self.parts == part }.map(\.element)
        try await SimulatedNode.with { node in
            _ = try await ReplacedDriver.own.prepare(node)
            for (number, point) in points.enumerated() {
                let result = results[number % 2]
                let options = try node.options(for: result.version)
                let killed = try await node.agent("install", options, environment: shim.killing(at: point))
                #expect(killed.wasKilled, "\(point.testDescription): \(killed)")
                try await node.agent("install", options).expectExit(0)
                try await node.expectWholeInstall(like: result, "killed \(point.testDescription)")
                // Nothing is downloaded a second time.
                #expect(try node.requests().count == number + 2)
            }
        }
    }

    /// A pod that is evicted, a node that runs out of memory: one convergence is killed many times.
    @Test(arguments: ReplacedDriver.allCases)
    func goesOnAfterAStormOfKills(_ replaced: ReplacedDriver) async throws {
        let uninterrupted = try await Uninterrupted.shared()
        let shim = try await KillShim.shared()
        try await SimulatedNode.with(set: replaced.settings) { node in
            var random = SeededGenerator(seed: 1)
            let options = try await replaced.prepare(node)
            var kills: [String] = []
            var count = 0
            for _ in 1...6 {
                let killed: Finished
                if random.once(in: 2) {
                    let point = KillPoint(write: .random(in: 1...3, using: &random), side: random.pick(.before, .after))
                    killed = try await node.agent("install", options, environment: shim.killing(at: point))
                    kills.append(point.testDescription)
                } else {
                    let moment = uninterrupted.duration * Double.random(in: 0.1..<0.7, using: &random)
                    killed = try await node.killInTheMiddle(of: options, after: moment)
                    kills.append("everything after \(moment)")
                }
                if killed.wasKilled { count += 1 } else { kills.append("came to its end: \(killed.status)") }
            }
            #expect(count >= 3, "\(kills.joined(separator: ", "))")
            try await node.agent("install", options).expectExit(0)
            try await node.expectWholeInstall(like: uninterrupted, "\(kills.joined(separator: ", "))")
        }
    }
}

extension SimulatedNode {
    /// Starts an install, and kills the agent and everything that it started after a time.
    fileprivate func killInTheMiddle(of options: [String], after moment: Duration) async throws -> Finished {
        let killed = try await agent("install", options) { agent in
            try await Task.sleep(for: moment)
            kill(agent, SIGKILL)
            killEverything()
        }
        try await until("the killed processes are gone") { processes() == [] }
        return killed
    }
}
