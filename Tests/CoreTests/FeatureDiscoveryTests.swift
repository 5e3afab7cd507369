import CoreSupport
import Health
import NodeModel
import Reporting
import TestSupport
import Testing

/// The labels of NVIDIA's GPU feature discovery, as tables.
@Suite struct FeatureDiscoveryTests {
    static let cases: Result<[FeatureDiscoveryCase], any Error> = Result { try FeatureDiscoveryReader.all() }

    private static let prefix = "nvidia.com/"

    private func publication(_ facts: NodeFacts, _ policy: Policy) -> Publication {
        Publication.of(facts, .adoptedH100, Checks(facts: facts, plan: .adoptedH100).report(), policy)
    }

    private func ours(_ labels: [String: String]) -> [String: String] {
        let pairs = labels.filter { $0.key.hasPrefix(Self.prefix) }
            .map { (String($0.key.dropFirst(Self.prefix.count)), $0.value) }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    @Test func theTablesAreReadable() throws { #expect(try Self.cases.get().count >= 90) }

    @Test(arguments: (try? cases.get()) ?? [])
    func writesTheLabelsOfFeatureDiscovery(_ test: FeatureDiscoveryCase) {
        let publication = publication(test.facts, test.policy)
        let labels = ours(publication.labels)
        for key in Set(labels.keys).union(test.labels.keys).sorted() {
            #expect(labels[key] == test.labels[key], "\(key)")
        }
        let left = publication.undetermined.filter { $0.hasPrefix(Self.prefix) }
        #expect(Set(left.map { String($0.dropFirst(Self.prefix.count)) }) == test.left)
        for (key, value) in publication.labels {
            #expect(labelValue(value) == value && key.dropFirst(Self.prefix.count).count <= 63)
        }
    }

    /// The order in which NVML lists the GPUs decides nothing.
    @Test(arguments: (try? cases.get()) ?? [])
    func theOrderOfNVMLDoesNotMatter(_ test: FeatureDiscoveryCase) {
        let turned = test.facts.withNVML { $0.gpus.reverse() }
        let (one, other) = (publication(test.facts, test.policy), publication(turned, test.policy))
        #expect(ours(one.labels) == ours(other.labels) && one.undetermined == other.undetermined)
        #expect(one.unknownSharing == other.unknownSharing)
    }

    @Test func neverWritesNone() {
        let publication = publication(.h100Ready, Policy(nvidiaLabels: .never))
        #expect(ours(publication.labels).isEmpty && !publication.labels.isEmpty)
        #expect(!publication.undetermined.contains { $0.hasPrefix(Self.prefix) })
    }

    @Test func allLabelsOfProfilesStayWhileTheDevicesAreNotKnown() {
        let policy = Policy(migStrategy: .mixed)
        let facts = NodeFacts.h100Ready.withNVML { $0.gpus[0].migMode = .unreadable(.denied) }
        let owned = ["nvidia.com/mig-1g.10gb.count": "7", "nvidia.com/mig.config.state": "success"]
        let applied = publication(facts, policy).labelsToApply(owned: owned)
        #expect(applied["nvidia.com/mig-1g.10gb.count"] == "7")
        #expect(applied["nvidia.com/mig.config.state"] == nil)
        let known = publication(.h100Ready, policy).labelsToApply(owned: owned)
        #expect(known["nvidia.com/mig-1g.10gb.count"] == nil)
    }

    private static let shared = [
        "nvidia.com/gpu.product": "NVIDIA-H100-NVL-SHARED", "nvidia.com/gpu.replicas": "4",
        "nvidia.com/gpu.sharing-strategy": "mps", "nvidia.com/mps.capable": "true",
    ]

    /// While the plugin starts again, its GPUs must not look like others.
    @Test func whatIsSharedStaysSoWithoutAPlugin() {
        let applied = publication(.h100Ready, Policy()).labelsToApply(owned: Self.shared)
        for (key, value) in Self.shared { #expect(applied[key] == value) }
        let renamed = Self.shared.merging(["nvidia.com/gpu.product": "NVIDIA-H100-NVL"]) { $1 }
        #expect(publication(.h100Ready, Policy()).labelsToApply(owned: renamed)["nvidia.com/gpu.replicas"] == "4")
    }

    @Test(arguments: [
        ["nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB-SHARED"], ["nvidia.com/gpu.replicas": "1"],
        ["nvidia.com/gpu.replicas": "many"],
    ])
    func whatCannotBeRightAnyMoreDoesNotStay(_ change: [String: String]) {
        let owned = Self.shared.merging(change) { $1 }
        let applied = publication(.h100Ready, Policy()).labelsToApply(owned: owned)
        #expect(applied["nvidia.com/gpu.product"] == "NVIDIA-H100-NVL")
        #expect(applied["nvidia.com/gpu.replicas"] == "1" && applied["nvidia.com/gpu.sharing-strategy"] == "none")
    }

    @Test func aPluginThatSharesNothingEndsIt() {
        let facts = NodeFacts.h100Ready.with {
            let process = DevicePluginProcess(pid: 7, strategy: .present(.single), source: .preset, sharing: .off)
            $0.devicePlugin = DevicePluginFacts(processes: .present([process]))
        }
        let applied = publication(facts, Policy()).labelsToApply(owned: Self.shared)
        #expect(applied["nvidia.com/gpu.product"] == "NVIDIA-H100-NVL" && applied["nvidia.com/mps.capable"] == "false")
    }
}
