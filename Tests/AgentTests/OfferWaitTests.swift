import Catalog
import Cluster
import ClusterSupport
import CoreSupport
import Health
import Kubernetes
import Logging
import NodeModel
import Reporting
import SimulatedCluster
import Support
import TestSupport
import Testing

@testable import Agent

/// When the daemon waits for what offers the GPUs to pods, and when it asks the API server about it.
@Suite struct OfferWaitTests {
    private func reconciler(_ link: TestLink, _ offer: ReadinessPolicy.Offer, hasCluster: Bool = true) throws
        -> Reconciler
    {
        let host = try TemporaryDirectory()
        let prober = try Prober(Settings(hostRoot: host.path, hostPID: nil))
        let policy = Policy(readiness: ReadinessPolicy(waitFor: offer))
        return Reconciler(
            inspector: Inspector(prober: prober, setup: Setup(catalog: Catalog(), policy: policy)),
            install: nil,
            cluster: hasCluster ? ClusterLink(mirror: link.mirror, publisher: nil) : nil,
            wakeUp: Bell(),
            box: SnapshotBox(),
            startJitter: .zero,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private func wait(
        _ reconciler: Reconciler,
        _ facts: NodeFacts = .h100Ready,
        hasWorked: Bool = false
    ) async -> NodeView {
        let view = NodeView(reconciler.inspector.setup, facts: facts, journal: nil)
        let waiting = await reconciler.waitingForOffer(view, Settling(hasWorked: hasWorked))
        reconciler.offerAlarm.cancel()
        return waiting
    }

    private func lists(_ cluster: TestCluster) -> Int {
        cluster.server.log.all.count { $0.target.contains("resourceslices") }
    }

    @Test func waitsForTheNodeToOfferTheDevicesOfThePlugin() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            let reconciler = try reconciler(link, .devicePlugin)
            #expect(await wait(reconciler).report.reason == .gpuNotOffered, "an unread Node does not offer a GPU")
            _ = await link.mirror.ownerLabels()
            let waiting = await wait(reconciler)
            #expect(waiting.report.verdict == .notReady && waiting.publication.taint == .present)
            #expect(waiting.publication.startupTaints.isEmpty)
            var node = Node(metadata: ObjectMetadata(name: TestCluster.nodeName))
            node.allocatable = ["nvidia.com/gpu": "1"]
            #expect(await link.observe(.modified(node)) == .devices)
            let offered = await wait(reconciler)
            #expect(offered.report.readiness == .usable && offered.publication.taint == .absent)
            #expect(offered.publication.startupTaints == StartupTaint.presets)
        }
    }

    @Test func aNodeThatWorkedDoesNotWaitAgain() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            for offer in [ReadinessPolicy.Offer.devicePlugin, .dra] {
                let view = await wait(try reconciler(link, offer), hasWorked: true)
                #expect(view.facts.offerWait == nil && view.report.readiness == .usable)
            }
            #expect(lists(cluster) == 0)
        }
    }

    @Test func aNodeWhoseGPUsDoNotWorkAsksForNothing() async throws {
        try await TestCluster.with { cluster in
            let view = await wait(try reconciler(TestLink(cluster), .dra), .h100)
            #expect(view.facts.offerWait == nil && view.report.reason != .gpuNotOffered)
            #expect(lists(cluster) == 0)
        }
    }

    @Test func withoutTheSettingOrAClusterNothingWaits() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            let without = [try reconciler(link, .none), try reconciler(link, .dra, hasCluster: false)]
            for reconciler in without { #expect(await wait(reconciler).facts.offerWait == nil) }
            #expect(lists(cluster) == 0)
        }
    }

    @Test func manyInspectionsMakeOneRequestForSlices() async throws {
        try await TestCluster.with { cluster in
            let reconciler = try reconciler(TestLink(cluster), .dra)
            for _ in 0..<3 {
                let view = await wait(reconciler)
                // The base gives no right to read the slices.
                #expect(view.report.verdict == .unknown && view.publication.taint == .keep)
                #expect(view.report.finding(.gpuNotOffered)?.remedy.text.contains("overlays/dra") == true)
            }
            #expect(lists(cluster) == 1)
        }
    }
}
