import Cluster
import ClusterSupport
import Kubernetes
import NodeModel
import Reporting
import SimulatedCluster
import Support
import Testing

/// Whose the labels of GPU feature discovery are, as `labels.nvidia` says.
@Suite struct ForeignLabelTests {
    private static let count = "nvidia.com/gpu.count"
    private static let theirs = "nfd-master"

    private static func publication(_ use: NVIDIALabelUse, _ labels: [String: String] = [count: "1"]) -> Publication {
        Publication(
            labels: labels.merging(["gpu-agent.dev/verdict": "ready"]) { $1 },
            undetermined: [],
            nvidiaLabels: use,
            taint: .keep,
            verdict: .ready,
            message: ""
        )
    }

    /// A Node with one label that these field managers own.
    private static func node(_ key: String, _ value: String?, _ managers: [String]) -> Node {
        let entries = managers.map { manager in
            ManagedFields(
                manager: manager,
                operation: manager == TestCluster.manager ? .apply : .update,
                fields: ["f:metadata": ["f:labels": .object(["f:\(key)": [:]])]]
            )
        }
        let labels = value.map { [key: $0] } ?? [:]
        return Node(metadata: ObjectMetadata(name: "gpu-1", labels: labels, managedFields: entries))
    }

    struct Case: Sendable {
        var use: NVIDIALabelUse
        var value: String?
        var managers: [String]
        /// Whether the agent leaves the label to its owner.
        var isLeft: Bool

        init(_ use: NVIDIALabelUse, _ value: String?, _ managers: [String], isLeft: Bool) {
            (self.use, self.value, self.managers, self.isLeft) = (use, value, managers, isLeft)
        }
    }

    static let cases = [
        Case(.auto, nil, [], isLeft: false), Case(.always, nil, [], isLeft: false),
        Case(.auto, "1", [theirs], isLeft: true), Case(.always, "1", [theirs], isLeft: false),
        Case(.auto, "8", [theirs], isLeft: true), Case(.always, "8", [theirs], isLeft: true),
        Case(.auto, "1", [TestCluster.manager, theirs], isLeft: true),
        Case(.always, "1", [TestCluster.manager, theirs], isLeft: false),
        Case(.auto, "8", [TestCluster.manager], isLeft: false),
        Case(.always, "8", [TestCluster.manager], isLeft: false),
        // A Node from before the field managers.
        Case(.auto, "1", [], isLeft: false), Case(.auto, "8", [], isLeft: true),
    ]

    @Test(arguments: cases) func leavesWhatHasAnOwner(_ test: Case) {
        let node = Self.node(Self.count, test.value, test.managers)
        let update = NodeUpdate(Self.publication(test.use), on: node, prefix: "gpu-agent.dev")
        #expect(update.yielded.map(\.key) == (test.isLeft ? [Self.count] : []))
        #expect(update.shown[Self.count] == (test.isLeft ? nil : "1"))
        #expect(update.shown["gpu-agent.dev/verdict"] == "ready")
        guard let left = update.yielded.first else { return }
        #expect(left.value == test.value && left.wanted == "1")
        #expect(left.managers == test.managers.filter { $0 != TestCluster.manager })
    }

    @Test func itsOwnLabelsAreForcedAndTheStateOfMIGHasItsOwnRules() {
        let verdict = Self.node("gpu-agent.dev/verdict", "fine", ["somebody"])
        #expect(NodeUpdate(Self.publication(.auto), on: verdict, prefix: "gpu-agent.dev").yielded.isEmpty)
        let state = [MIGRequest.stateKey: "success"]
        let node = Self.node(MIGRequest.stateKey, "success", [TestCluster.manager, "somebody"])
        #expect(NodeUpdate(Self.publication(.auto, state), on: node, prefix: "gpu-agent.dev").yielded.isEmpty)
    }

    /// With `auto`, feature discovery takes all labels over, and none vanishes on the way.
    @Test func stepsBackAndSaysIt() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            let theirs: JSON = ["metadata": ["labels": [Self.count: "1"]]]
            try await cluster.changeNode(theirs, fieldManager: Self.theirs)
            try await link.publish(Self.publication(.always))
            #expect(await link.state.foreignLabels == nil)
            try await link.publish(Self.publication(.auto))
            let metadata = try await cluster.client.node(TestCluster.nodeName).metadata
            #expect(metadata.labels[Self.count] == "1")
            #expect(metadata.owners(of: ["metadata", "labels", Self.count]).map(\.manager) == [Self.theirs])
            let label = ForeignLabel(key: Self.count, value: "1", wanted: "1", managers: [Self.theirs])
            #expect(await link.state.foreignLabels == [label])
        }
    }
}
