import Catalog
import CoreSupport
import Documents
import Health
import Host
import NodeModel
import Planning
import Reporting
import Selection
import Support
import TestSupport
import Testing

@testable import Agent

/// The settings of a node whose configuration has pools, and what happens while its pool is not known.
@Suite struct PoolSetupTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write("catalog/a.yaml", Self.catalog("10de:2bb5", "first"))
        try directory.write("grid.yaml", Self.catalog("10de:ffff", "grid"))
        try directory.write("config.yaml", config(catalog: "grid.yaml"))
    }

    private static func catalog(_ id: String, _ name: String) -> String {
        """
        apiVersion: gpu-agent/v1
        kind: DriverCatalog
        gpus:
          - {id: \(id), name: \(name), architecture: blackwell, kernelModuleTypes: [open]}
        """
    }

    private func config(catalog: String) -> String {
        """
        apiVersion: gpu-agent/v1
        kind: AgentConfig
        mode: label
        pools:
          - name: grid
            nodeSelector: {matchLabels: {pool: grid}}
            settings: {mode: manage, catalogs: ['\(directory.path(catalog))']}
          - name: alone
            nodeSelector: {matchLabels: {left: alone}}
            settings: {mode: observe}
        """
    }

    private var settings: Settings {
        Settings(
            hostRoot: "/",
            hostPID: nil,
            catalogDirectory: directory.path("catalog"),
            configFile: directory.path("config.yaml")
        )
    }

    @Test(
        arguments: [
            (["pool": "grid"], "grid", AgentMode.manage, ["first", "grid"]),
            (["left": "alone"], "alone", .observe, ["first"]), ([:], nil, .label, ["first"]),
        ] as [([String: String], String?, AgentMode, [String])]
    )
    func theLabelsSelectTheSettings(
        _ labels: [String: String],
        _ pool: String?,
        _ mode: AgentMode,
        _ gpus: [String]
    ) throws {
        let setup = try Setup.load(settings, labels: .present(labels))
        #expect(setup.pool.name == pool && setup.pool.problem == nil && setup.mode == mode)
        #expect(setup.catalog.gpus.values.map(\.name).sorted() == gpus)
        #expect(setup.pools?.selectorKeys == ["pool", "left"])
    }

    @Test func withoutLabelsNobodyKnowsTheSettings() throws {
        #expect(try Setup.load(settings).pool.problem?.code == .poolUnknown)
        let both = ["pool": "grid", "left": "alone"]
        #expect(try Setup.load(settings, labels: .present(both)).pool.problem?.code == .poolConflict)
    }

    /// A node finds the mistakes in the catalogs of other pools, too.
    @Test func readsTheCatalogsOfAllPools() throws {
        try directory.write("wrong.yaml", "apiVersion: gpu-agent/v1\nkind: Catalog\n")
        try directory.write("config.yaml", config(catalog: "wrong.yaml"))
        do throws(SetupError) {
            _ = try Setup.load(settings, labels: .present(["left": "alone"]))
            Issue.record("the wrong catalog was not read")
        } catch { #expect("\(error)".contains("wrong.yaml:2:7: kind is 'Catalog'")) }
    }

    private func view(_ facts: NodeFacts, _ pool: PoolChoice) throws -> NodeView {
        var setup = Setup(catalog: try repositoryCatalog(), policy: Policy())
        setup.pool = pool
        return NodeView(setup, facts: facts, journal: nil)
    }

    @Test func nothingIsInstalledWhileThePoolIsNotKnown() throws {
        #expect(try view(.h100, .topLevel).plan.decision.action == .install)
        let view = try view(.h100, .unknown("nobody asked"))
        #expect(view.plan.decision.action == .blocked && view.plan.steps.isEmpty && view.plan.decision.driver == nil)
        #expect(view.report.verdict == .waiting && view.report.reason == .poolUnknown)
        #expect(view.report.nextAction.contains("the daemon"))
        #expect(view.publication.taint == .keep)
    }

    @Test func nothingIsInstalledWhileTwoPoolsMatch() throws {
        let pools = try Setup.load(settings).pools?.pools ?? []
        let view = try view(.h100, .conflict(pools))
        #expect(view.plan.decision.action == .blocked && view.plan.steps.isEmpty)
        #expect(view.report.verdict == .notReady && view.report.reason == .poolConflict)
        let finding = try #require(view.report.findings.first { $0.code == .poolConflict })
        #expect(finding.observed.contains("'grid'") && finding.observed.contains("'alone'"))
    }

    @Test func aNodeThatWorksStaysUsable() throws {
        let view = try view(.h100Ready, .unknown("nobody asked"))
        #expect(view.report.readiness == .usable && view.report.verdict == .degraded && view.plan.steps.isEmpty)
        #expect(view.publication.taint == .absent)
    }

    @Test func aNodeWithoutAGPUNeedsNoPool() throws {
        #expect(try view(.noGPU, .unknown("nobody asked")).report.verdict == .noGPU)
    }

    @Test func aCommandTakesTheLabelsThatTheDaemonRead() async throws {
        let file = PublishedStateFile(root: try HostRoot(directory.path))
        let nothing = await file.selectedLabels(["pool"])
        #expect(nothing == .skipped("no daemon on this node has read them"))
        var state = PublishedState(node: "n", ownerLabelsFailure: "no answer")
        try await file.save(state)
        #expect(await file.selectedLabels(["pool"]) == .skipped("no daemon on this node has read them: no answer"))
        state.selectedLabels = SelectedLabels(of: ["pool": "grid", "other": "x"], keys: ["pool", "left"])
        try await file.save(state)
        #expect(await file.selectedLabels(["pool", "left"]) == .present(["pool": "grid"]))
        // A label that the daemon did not look for is not missing.
        #expect(
            await file.selectedLabels(["pool", "zone"]).whyUnknown?.contains("did not read the label zone") == true
        )
    }
}
