import FoundationEssentials
import NodeModel
import Synchronization
import TestSupport
import Testing

/// The kill matrix: an agent that is killed at every boundary of an operation and at random moments inside each long
/// operation, and started again.
///
/// `KillAtStepTests` has the boundaries of an install on a node without a driver, and `KillAroundDriverTests` the steps
/// around a driver and those for the next kernel. CI runs one or two random moments of
/// each long operation. With `KILLS=10`, as `scripts/nightly` sets it, there are ten, and the boundaries of the other
/// installs, too.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(60)))
struct KillMatrixTests {
    @Test func hasAsManyKillsAsTheFormAsksFor() {
        let count = KillPoint.all.count + Kill.Target.allCases.flatMap(Kill.matrix).count
        #expect(count >= (Kill.perOperation >= 10 ? 200 : 30), "\(count) kills")
    }

    @Test(arguments: Kill.matrix(.first))
    func aFirstInstallConverges(_ kill: Kill) async throws { try await converges(kill) }

    @Test(arguments: Kill.matrix(.upgrade))
    func anUpgradeConverges(_ kill: Kill) async throws { try await converges(kill) }

    @Test(arguments: Kill.matrix(.takeover))
    func aTakeoverConverges(_ kill: Kill) async throws { try await converges(kill) }

    @Test(arguments: Kill.matrix(.packages))
    func anInstallOfPackagesConverges(_ kill: Kill) async throws { try await converges(kill) }

    /// Expects that an install converges after this kill.
    ///
    /// A step can be faster than the one that was measured, so a kill can come after its end. Then it comes sooner on
    /// another node: otherwise the matrix would test something else than it says.
    private func converges(_ kill: Kill) async throws {
        for sooner in 0..<4 {
            if try await converges(kill, sooner: sooner) { return }
        }
        Issue.record("\(kill.testDescription): no kill came inside the step")
    }

    /// Interrupts an install on a new node, and expects that the next one converges.
    ///
    /// - Returns: Whether the kill came when it should.
    private func converges(_ kill: Kill, sooner: Int) async throws -> Bool {
        let uninterrupted = try await Uninterrupted.shared()
        let isHit = Mutex(false)
        try await SimulatedNode.with(set: kill.target.settings, server: kill.server) { node in
            let options = try await kill.target.prepare(node)
            let killed = try await kill.run(on: node, options, uninterrupted, sooner: sooner)
            try await node.expectNoFalseRecord("\(killed)")
            try await node.agent("install", options).expectExit(0)
            try await node.expectWholeInstall(like: uninterrupted, "\(killed)", besides: [HostLayout.buildPackages])
            isHit.withLock { $0 = killed.isHit }
            guard kill.target == .packages else { return }
            #expect(try await node.run(["dpkg", "--audit"]).isEmpty)
            #expect(node.text(HostLayout.buildPackages)?.contains("hold \(DebianRepository.headers)\n") == true)
        }
        return isHit.withLock(\.self)
    }
}

/// A kill during an install.
struct Kill: Sendable, CustomTestStringConvertible {
    /// The install that is interrupted.
    enum Target: String, CaseIterable {
        /// The first install on a node.
        case first
        /// An upgrade of the agent's own driver.
        case upgrade
        /// A takeover from another owner.
        case takeover
        /// A first install on a node without kernel headers.
        case packages

        private var replaced: ReplacedDriver {
            switch self {
            case .first, .packages: .none
            case .upgrade: .own
            case .takeover: .foreign
            }
        }

        var settings: [String] {
            switch self {
            case .packages: ["headers=no"]
            // Otherwise the removal is too fast to be interrupted.
            case .takeover: replaced.settings + ["uninstall-slow=1"]
            case .first, .upgrade: replaced.settings
            }
        }

        /// The steps of the install.
        var steps: [StepID] {
            replaced.steps.flatMap { self == .packages && $0 == .download ? [.buildPackages, $0] : [$0] }
        }

        /// The steps that take long, with their usual time in seconds; nil for the time of an uninterrupted install.
        var long: [(step: StepID, seconds: Double?)] {
            switch self {
            case .first, .upgrade: [(.download, 1), (.install, nil)]
            case .takeover: [(.remove, 1.2), (.install, nil), (.download, 1)]
            case .packages: [(.buildPackages, 2), (.install, nil), (.download, 1)]
            }
        }

        /// Prepares the node, and returns the options of the install.
        func prepare(_ node: SimulatedNode) async throws -> [String] {
            if self == .packages { _ = try await DebianRepository(node) }
            return try await replaced.prepare(node)
        }
    }

    enum Moment: Sendable {
        case boundary(KillPoint)
        /// A random moment inside a step. The seed also decides whether only the agent dies, or all that it started.
        case inside(StepID, seconds: Double?, seed: UInt64)
    }

    var target: Target
    var moment: Moment

    /// How many random moments each long operation has.
    static let perOperation = ProcessInfo.processInfo.environment["KILLS"].flatMap { Int($0) } ?? 1

    /// The kills of this form.
    ///
    /// CI has only the first long operations of each install.
    static func matrix(_ target: Target) -> [Kill] {
        let isNightly = perOperation >= 10
        let long = isNightly ? target.long : Array(target.long.prefix(2))
        let inside = long.flatMap { step, seconds in
            (1...max(1, perOperation)).map {
                Kill(target: target, moment: .inside(step, seconds: seconds, seed: UInt64($0)))
            }
        }
        guard isNightly, target != .first else { return inside }
        return inside
            + (1...2 * target.steps.count - 1).flatMap { write in
                KillPoint.Side.allCases.map { side in
                    Kill(target: target, moment: .boundary(KillPoint(write: write, side: side)))
                }
            }
    }

    var testDescription: String {
        switch moment {
        case .boundary(let point): "\(target.rawValue), \(point.testDescription)"
        case .inside(let step, _, let seed): "\(target.rawValue), inside \(step.rawValue), seed \(seed)"
        }
    }

    /// The options of the download server.
    ///
    /// A download that is interrupted must take some time.
    var server: [String] {
        if case .inside(.download, _, _) = moment { ["--bytes-per-second", "1000000"] } else { [] }
    }

    /// Starts an install and kills it.
    ///
    /// `sooner` says how often the time until a random moment is halved.
    func run(
        on node: SimulatedNode,
        _ options: [String],
        _ uninterrupted: Uninterrupted,
        sooner: Int
    ) async throws -> KillInside.Outcome {
        switch moment {
        case .boundary(let point):
            let shim = try await KillShim.shared()
            let killed = try await node.agent("install", options, environment: shim.killing(at: point))
            #expect(killed.wasKilled, "\(testDescription): \(killed)")
            return KillInside.Outcome(description: testDescription, isHit: true)
        case .inside(let step, let seconds, let seed):
            let kill = KillInside(step: step, seconds: seconds ?? uninterrupted.seconds[step] ?? 1, seed: seed)
            var killed = try await kill.run(on: node, options, sooner: sooner) { hasBegun(step, on: node) }
            killed.description = "\(target.rawValue), \(killed.description)"
            return killed
        }
    }

    /// Whether the install is inside a step.
    ///
    /// A download during the install of packages begins before its step, and can end before it.
    private func hasBegun(_ step: StepID, on node: SimulatedNode) -> Bool {
        guard target == .packages, step == .download else { return node.isInside(step) }
        let files = try? FileManager.default.contentsOfDirectory(atPath: node.path(HostLayout.packages))
        return files?.contains { $0.hasSuffix(".partial") } ?? false
    }
}

extension SimulatedNode {
    /// Expects that the journal calls an install complete only when its driver works.
    func expectNoFalseRecord(_ comment: Comment) async throws {
        guard exists(HostLayout.journal), let record = try journal().record, record.state == .installed else { return }
        let status = try await self.status()
        #expect(status.driver.sources.allSatisfy { $0.version == record.version }, comment)
        #expect(status.driver.sources.count == 5, comment)
    }
}
