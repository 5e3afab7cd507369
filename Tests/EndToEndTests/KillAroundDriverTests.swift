import FoundationEssentials
import NodeModel
import Synchronization
import TestSupport
import Testing

/// An agent that is killed at the boundaries of the steps around a driver, and started again.
///
/// CI runs two boundaries of each install. With `KILLS=10`, as `scripts/nightly` sets it, the tests run all of them.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(60)))
struct KillAroundDriverTests {
    /// An install, and the node on which it happens.
    private struct Install: Sendable {
        /// The steps that the install must have.
        var steps: Set<StepID>
        /// Starts a node and runs the work on it.
        var onNode: @Sendable (@escaping @Sendable (SimulatedNode) async throws -> Void) async throws -> Void
        /// Prepares the node, and returns the options of the install.
        var prepare: @Sendable (SimulatedNode) async throws -> [String]
    }

    /// What an install leaves that nobody interrupted.
    private struct Whole: Sendable {
        var tree: [String]
        var writes: Int
    }

    @Test func whatBelongsAroundADriverConverges() async throws {
        try await converges(
            Install(
                steps: [.blacklist, .release, .moduleParameters, .deviceRule, .license, .persistenced],
                onNode: { try await SimulatedNode.with(set: ["systemd=yes", "nouveau=yes"], $0) },
                prepare: { node in
                    try await node.run(["mkdir", "-p", "/etc/udev/rules.d", "/etc/modprobe.d", "/dev/char"])
                    try node.directory.write("token.tok", "header.payload.signature\n")
                    try node.directory.write(
                        "around.yaml",
                        """
                        apiVersion: gpu-agent/v1
                        kind: AgentConfig
                        driver: {moduleParameters: {nvidia: {NVreg_EnableMSI: 0}}}
                        license: {tokenFile: \(node.directory.path("token.tok")), featureType: 1}

                        """
                    )
                    return ["--config", node.directory.path("around.yaml")]
                }
            )
        )
    }

    @Test func theFabricManagerConverges() async throws {
        try await converges(
            Install(
                steps: [.downloadFabricManager, .installFabricManager, .fabricManager],
                onNode: { try await FabricTests.withNVSwitch($0) },
                prepare: { node in
                    let tests = FabricTests()
                    let entry = try await tests.archive(FabricTests.driver, on: node)
                    return try tests.options(FabricTests.driver, [entry], on: node)
                }
            )
        )
    }

    @Test func theModulesForTheNextKernelConverge() async throws {
        try await converges(
            Install(
                steps: [.buildAhead],
                onNode: { try await SimulatedNode.with(set: [], $0) },
                prepare: { node in
                    try await node.agent("install").expectExit(0)
                    _ = try await BuildAheadTests().installKernel(node)
                    return []
                }
            )
        )
    }

    /// The index of the package manager is empty, and the packages bring the driver.
    @Test(.having("apt-get", "dpkg-deb"))
    func packagesOfTheDistributionConverge() async throws {
        try await converges(
            Install(
                steps: [.downloadPackages, .driverPackages],
                onNode: { try await SimulatedNode.with("h100", set: ["secure-boot=yes"], $0) },
                prepare: { node in
                    _ = try await PrebuiltRepository(on: node)
                    return []
                }
            )
        )
    }

    @Test(.having("apt-get", "dpkg-deb"))
    func theFabricManagerFromPackagesConverges() async throws {
        try await converges(
            Install(
                steps: [.downloadFabricPackages, .fabricPackages, .fabricManager],
                onNode: { try await FabricTests.withNVSwitch($0) },
                prepare: { node in
                    try await FabricTests.addPackage(to: try await DebianRepository(node))
                    try await node.run(["apt-get", "-q", "update"])
                    return try node.options(for: FabricTests.driver)
                }
            )
        )
    }

    @Test(.having("apt-get", "dpkg-deb"))
    func theHeadersOfTheNextKernelConverge() async throws {
        try await converges(
            Install(
                steps: [.headersAhead, .buildAhead],
                onNode: { try await SimulatedNode.with("h100", $0) },
                prepare: { node in
                    let repository = try await DebianRepository(node)
                    try await HeadersAheadTests.installKernel(on: node)
                    try await HeadersAheadTests.addHeaders(to: repository)
                    return []
                }
            )
        )
    }

    private func converges(_ install: Install) async throws {
        let shim = try await KillShim.shared()
        let whole = try await uninterrupted(install, shim)
        for point in points(whole.writes) {
            try await install.onNode { node in
                let comment: Comment = "killed \(point.testDescription)"
                let options = try await install.prepare(node)
                let killed = try await node.agent("install", options, environment: shim.killing(at: point))
                #expect(killed.wasKilled, "\(comment): \(killed)")
                try await node.expectNoFalseRecord(comment)
                try await node.agent("install", options).expectExit(0)
                expectSame(try await node.tree(), whole.tree, comment)
                #expect(try node.journal().steps.allSatisfy { $0.state == .done }, comment)
                #expect(try await node.status(options).verdict == "ready", comment)
                let plan = try await node.agent("plan", ["-o", "json"] + options).decoded(as: PrintedPlan.self)
                #expect(plan.steps.isEmpty, comment)
            }
        }
    }

    private func uninterrupted(_ install: Install, _ shim: KillShim) async throws -> Whole {
        let directory = try TemporaryDirectory()
        let whole = Mutex<Whole?>(nil)
        try await install.onNode { node in
            let options = try await install.prepare(node)
            let environment = shim.counting(in: directory.path("writes"))
            try await node.agent("install", options, environment: environment).expectExit(0)
            #expect(Set(try node.journal().steps.map(\.step)).isSuperset(of: install.steps))
            let left = Whole(tree: try await node.tree(), writes: try directory.text("writes").utf8.count)
            whole.withLock { $0 = left }
        }
        return try #require(whole.withLock { $0 })
    }

    /// The boundaries at which the agent is killed.
    private func points(_ writes: Int) -> [KillPoint] {
        let all = (1...max(1, writes)).flatMap { write in
            KillPoint.Side.allCases.map { KillPoint(write: write, side: $0) }
        }
        guard Kill.perOperation < 10 else { return all }
        var random = SeededGenerator(seed: UInt64(writes))
        return Array(all.shuffled(using: &random).prefix(2))
    }
}
