import Catalog
import CoreSupport
import FoundationEssentials
import Logging
import NodeModel
import Support
import TestSupport
import Testing

@testable import Agent

/// The daemon hands its driver over to pods that wait for it, and takes the hand-over back.
@Suite struct HandingOverTests {
    private let tree: TemporaryDirectory
    private let prober: Prober

    private static let directory = "run/nvidia/validations"

    init() throws {
        tree = try TemporaryDirectory()
        prober = try Prober(Settings(hostRoot: tree.path, hostPID: nil))
    }

    private func handOver(_ facts: NodeFacts, _ use: HandoverUse = .auto, mode: AgentMode = .manage) async throws {
        let setup = Setup(catalog: try repositoryCatalog(), policy: Policy(handover: use))
        let reconciler = Reconciler(
            inspector: Inspector(prober: prober, setup: setup),
            install: nil,
            cluster: nil,
            wakeUp: Bell(),
            box: SnapshotBox(),
            startJitter: .zero,
            mode: mode,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        await reconciler.handOver(NodeView(setup, facts: facts, journal: nil))
    }

    private var isReady: Bool { tree.exists("\(Self.directory)/cuda-ready") }

    private func driver() throws {
        try tree.write("usr/lib64/libnvidia-ml.so.1", "x")
        try tree.write("usr/bin/nvidia-smi", "#!")
        let executable: [FileAttributeKey: Any] = [.posixPermissions: 0o755]
        try FileManager.default.setAttributes(executable, ofItemAtPath: tree.path("usr/bin/nvidia-smi"))
        try tree.makeDirectory(Self.directory)
    }

    @Test func followsTheVerdict() async throws {
        try driver()
        try await handOver(.h100Ready)
        #expect(isReady)
        #expect(try tree.text("\(Self.directory)/driver-ready").contains("IS_HOST_DRIVER=true"))
        // It cannot tell what the Node offers, and whether the runtime gives a container the GPUs.
        #expect(!tree.exists("\(Self.directory)/plugin-ready") && !tree.exists("\(Self.directory)/toolkit-ready"))
        try await handOver(.h100)
        #expect(!isReady && !tree.exists("\(Self.directory)/driver-ready"))
    }

    /// A device plugin that waits for a file of the agent must not keep the node waiting for the plugin.
    @Test func doesNotWaitForWhatWaitsForIt() async throws {
        try driver()
        let waiting = NodeFacts.h100Ready.with { $0.offerWait = OfferWait(allocatable: .present([:])) }
        let setup = Setup(catalog: try repositoryCatalog(), policy: Policy())
        #expect(NodeView(setup, facts: waiting, journal: nil).report.verdict == .notReady)
        try await handOver(waiting)
        #expect(isReady)
    }

    @Test func doesNothingWhereNoPodWaits() async throws {
        try driver()
        try FileManager.default.removeItem(atPath: tree.path("run"))
        try await handOver(.h100Ready)
        #expect(!tree.exists("run"))
    }

    @Test func leavesTheFilesToTheValidator() async throws {
        try driver()
        let labels = ["nvidia.com/gpu.deploy.operator-validator": "true"]
        try await handOver(.h100Ready.with { $0.claims.nodeLabels = .present(labels) })
        #expect(!isReady)
    }

    @Test(arguments: [AgentMode.observe, .label])
    func changesTheHostOnlyWhereItManagesIt(_ mode: AgentMode) async throws {
        try driver()
        try await handOver(.h100Ready, mode: mode)
        #expect(!isReady && !tree.exists("run/gpu-agent"))
    }

    @Test func isTakenBackByAnUninstallAndByUnpublish() async throws {
        try driver()
        try await handOver(.h100Ready)
        let removed = try await prober.withdrawHandover()
        #expect(removed == ["cuda-ready", "driver-ready"].map { "/\(Self.directory)/\($0)" })
        #expect(!isReady)
        #expect(try await prober.withdrawHandover() == [])
    }
}
