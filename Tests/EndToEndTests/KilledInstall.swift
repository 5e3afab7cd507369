import NodeModel
import Synchronization
import TestSupport
import Testing

/// An install that is killed at its boundaries and inside its long steps, on a new node each time.
struct KilledInstall: Sendable {
    /// The steps that the install must have.
    var steps: Set<StepID>
    /// The steps among them that take long.
    var long: [StepID] = []
    /// Whether the install adds packages with dpkg.
    var addsPackages = false
    /// Starts a node and runs the work on it.
    var onNode: @Sendable (@escaping @Sendable (SimulatedNode) async throws -> Void) async throws -> Void
    /// Prepares the node, and returns the options of the install.
    var prepare: @Sendable (SimulatedNode) async throws -> [String]

    /// What an install leaves that nobody interrupted.
    private struct Whole: Sendable {
        var tree: [String]
        var writes: Int
        /// How long each step took, in seconds.
        var seconds: [StepID: Double]
    }

    /// Expects that the next install converges after each kill.
    func converges() async throws {
        let shim = try await KillShim.shared()
        let whole = try await uninterrupted(shim)
        for point in points(whole.writes) {
            try await onNode { node in
                let options = try await prepare(node)
                let killed = try await node.agent("install", options, environment: shim.killing(at: point))
                #expect(killed.wasKilled, "\(point.testDescription): \(killed)")
                try await expectConvergence(node, options, whole, "killed \(point.testDescription)")
            }
        }
        for step in long {
            let seconds = try #require(whole.seconds[step])
            for seed in 1...max(1, Kill.perOperation) {
                try await converges(after: KillInside(step: step, seconds: seconds, seed: UInt64(seed)), whole)
            }
        }
    }

    /// Kills inside a step.
    ///
    /// A step can be faster than the one that was measured, so a kill can come after its end. Then it comes sooner on
    /// another node.
    private func converges(after kill: KillInside, _ whole: Whole) async throws {
        for sooner in 0..<4 {
            let isHit = Mutex(false)
            try await onNode { node in
                let options = try await prepare(node)
                let killed = try await kill.run(on: node, options, sooner: sooner)
                try await expectConvergence(node, options, whole, "\(killed)")
                isHit.withLock { $0 = killed.isHit }
            }
            if isHit.withLock(\.self) { return }
        }
        Issue.record("inside \(kill.step.rawValue), seed \(kill.seed): no kill came inside the step")
    }

    private func expectConvergence(
        _ node: SimulatedNode,
        _ options: [String],
        _ whole: Whole,
        _ comment: Comment
    ) async throws {
        try await node.expectNoFalseRecord(comment)
        let install = try await node.agent("install", options)
        #expect(install.exitCode == 0, "\(comment): \(install)")
        expectSame(try await node.tree(), whole.tree, comment)
        #expect(try node.journal().steps.allSatisfy { $0.state == .done }, comment)
        let status = try await node.status(options)
        #expect(status.verdict == "ready", comment)
        #expect(Set(status.driver.sources.map(\.version)).count == 1, comment)
        let plan = try await node.agent("plan", ["-o", "json"] + options).decoded(as: PrintedPlan.self)
        #expect(plan.steps.isEmpty, comment)
        if addsPackages { #expect(try await node.run(["dpkg", "--audit"]).isEmpty, comment) }
    }

    private func uninterrupted(_ shim: KillShim) async throws -> Whole {
        let directory = try TemporaryDirectory()
        let whole = Mutex<Whole?>(nil)
        try await onNode { node in
            let options = try await prepare(node)
            let environment = shim.counting(in: directory.path("writes"))
            try await node.agent("install", options, environment: environment).expectExit(0)
            let records = try node.journal().steps
            #expect(Set(records.map(\.step)).isSuperset(of: steps))
            let left = Whole(
                tree: try await node.tree(),
                writes: try directory.text("writes").utf8.count,
                seconds: Dictionary(
                    records.compactMap { record in record.seconds.map { (record.step, $0) } },
                    uniquingKeysWith: { $1 }
                )
            )
            whole.withLock { $0 = left }
        }
        return try #require(whole.withLock { $0 })
    }

    /// The boundaries at which the agent is killed: all of them, or one or two in CI.
    private func points(_ writes: Int) -> [KillPoint] {
        let all = (1...max(1, writes)).flatMap { write in
            KillPoint.Side.allCases.map { KillPoint(write: write, side: $0) }
        }
        guard Kill.perOperation < 10 else { return all }
        var random = SeededGenerator(seed: UInt64(writes))
        return Array(all.shuffled(using: &random).prefix(long.isEmpty ? 2 : 1))
    }
}
