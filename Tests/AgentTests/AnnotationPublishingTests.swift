import Cluster
import ClusterSupport
import Kubernetes
import NodeModel
import Reporting
import SimulatedCluster
import Support
import Testing

/// The agent's annotations on a Node: they come with the labels, and are written only when they change.
@Suite struct AnnotationPublishingTests {
    private static let mig = "gpu-agent.dev/mig-uuids"
    private static let validated = "gpu-agent.dev/validated-at"
    private static let noon = Timestamp("2026-11-30T12:00:00Z") ?? Timestamp(0)
    private static let later = Timestamp("2026-11-30T13:00:00Z") ?? Timestamp(0)
    private static let proof = #"{"bootID":"b","time":"2026-11-30T12:00:00Z","version":1}"#

    private static func wanting(_ annotations: [String: AnnotationWish]) -> Publication {
        var wanted = publication(.ready)
        wanted.annotations = annotations
        return wanted
    }

    private func shown(_ cluster: TestCluster) async throws -> [String: String] {
        try await cluster.client.node(TestCluster.nodeName).metadata.annotations
    }

    private func writes(_ cluster: TestCluster) -> [String] {
        cluster.server.log.all.filter { $0.method == "PATCH" }.map { $0.contentType ?? "" }
    }

    /// What an agent wants after it has published a value and the first proof of the boot `b`, and what the Node then
    /// shows.
    struct Step: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var wishes: [String: AnnotationWish]
        var shown: [String: String]
        var writes: Int
    }

    static let steps = [
        Step(
            testDescription: "the same",
            wishes: [mig: .value("one"), validated: .firstProof(ofBoot: "b", noon)],
            shown: [mig: "one", validated: proof],
            writes: 0
        ),
        Step(
            testDescription: "a later proof, or none now",
            wishes: [mig: .value("one"), validated: .firstProof(ofBoot: "b", later)],
            shown: [mig: "one", validated: proof],
            writes: 0
        ),
        Step(
            testDescription: "nothing is known",
            wishes: [mig: .keep, validated: .keep],
            shown: [mig: "one", validated: proof],
            writes: 0
        ),
        Step(
            testDescription: "another boot",
            wishes: [mig: .value("two"), validated: .firstProof(ofBoot: "c", nil)],
            shown: [mig: "two"],
            writes: 1
        ),
        Step(testDescription: "no GPU", wishes: [:], shown: [:], writes: 1),
    ]

    @Test(arguments: steps) func writesOnlyWhatChanges(_ step: Step) async throws {
        try await TestCluster.with { cluster in
            try await cluster.changeNode(["metadata": ["annotations": ["theirs": "1", "gpu-agent.dev/team": "a"]]])
            let first: [String: AnnotationWish] = [
                Self.mig: .value("one"), Self.validated: .firstProof(ofBoot: "b", Self.noon),
            ]
            try await TestLink(cluster).publish(Self.wanting(first))
            // The labels and the annotations are in one request.
            #expect(writes(cluster).filter { $0 == "application/apply-patch+yaml" }.count == 1)
            cluster.server.log.clear()
            // A new agent knows only what is on the Node.
            try await TestLink(cluster).publish(Self.wanting(step.wishes))
            #expect(writes(cluster).count == step.writes)
            let theirs = ["theirs": "1", "gpu-agent.dev/team": "a"]
            #expect(try await shown(cluster) == step.shown.merging(theirs) { $1 })
            let metadata = try await cluster.client.node(TestCluster.nodeName).metadata
            #expect(metadata.annotationKeys(ownedBy: "gpu-agent", operation: .apply) == Set(step.shown.keys))
            #expect(metadata.labels["gpu-agent.dev/verdict"] == "ready")
        }
    }

    /// The proof that comes back is the same one, as long as the agent that saw it runs.
    @Test func anAnnotationThatAnotherClientTakesComesBack() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            let wanted = Self.wanting([Self.mig: .value("one"), Self.validated: .firstProof(ofBoot: "b", Self.noon)])
            try await link.publish(wanted)
            for value: JSON in [.null, "theirs"] {
                try await cluster.changeNode(["metadata": ["annotations": .object([Self.validated: value])]])
                let change = await link.observe(.modified(try await cluster.client.node(TestCluster.nodeName)))
                #expect(change == .written)
                try await link.publish(wanted)
                #expect(try await shown(cluster) == [Self.mig: "one", Self.validated: Self.proof])
            }
            try await cluster.changeNode(["metadata": ["annotations": ["theirs": "2"]]])
            let change = await link.observe(.modified(try await cluster.client.node(TestCluster.nodeName)))
            #expect(change == .none)
        }
    }

    /// A policy of a former release refuses the annotations, but the labels and the taint come through.
    @Test func aRefusedAnnotationKeepsNoNodeFromWork() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            try await link.publish(publication(.notReady))
            cluster.server.faults.add(
                Fault(.status(403, message: "a policy"), times: 1, method: "PATCH", target: "fieldManager")
            )
            let error = await failure { () async throws(KubernetesError) in
                try await link.publish(Self.wanting([Self.mig: .value("one")]))
            }
            #expect(error?.isRefusal == true)
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.metadata.labels["gpu-agent.dev/verdict"] == "ready")
            #expect(node.taints.isEmpty && node.metadata.annotations.isEmpty)
            #expect(await link.state.isRefused == true)
            // With the new policy, the next attempt brings them.
            try await link.publish(Self.wanting([Self.mig: .value("one")]))
            #expect(try await shown(cluster) == [Self.mig: "one"])
        }
    }

    /// A client that keeps changing an annotation does not make the agent write without end.
    @Test func aContestedAnnotationIsReported() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            let wanted = Self.wanting([Self.mig: .value("one")])
            try await link.publish(wanted)
            for value in 0..<6 {
                let theirs: JSON = .object([Self.mig: .string("\(value)")])
                try await cluster.changeNode(["metadata": ["annotations": theirs]])
                _ = await link.observe(.modified(try await cluster.client.node(TestCluster.nodeName)))
                try await link.publish(wanted)
            }
            #expect(await link.state.contested?.map(\.field) == ["the annotation \(Self.mig)"])
            #expect(try await shown(cluster)[Self.mig] == "5")
            #expect(cluster.server.log.all.filter { $0.contentType == "application/apply-patch+yaml" }.count < 6)
        }
    }
}
