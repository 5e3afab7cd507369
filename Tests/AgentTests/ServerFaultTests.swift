import Cluster
import ClusterSupport
import FoundationEssentials
import Kubernetes
import NodeModel
import Reporting
import SimulatedCluster
import TestSupport
import Testing

/// What a Node shows while the API server fails, and afterwards.
///
/// Each fault begins at each request of a publication, and lasts until the agent has given up.
@Suite(.timeLimit(.minutes(4)))
struct ServerFaultTests {
    static let faults: [String: Fault.Action] = [
        "down": .drop,
        "401": .status(401, message: "Unauthorized"),
        "403": .status(403, message: "no"),
        "404": .status(404, message: "not found"),
        "409": .status(409, message: "the object has been modified"),
        "410": .status(410, message: "too old"),
        "422": .status(422, message: "denied"),
        "429": .plain(429, text: "Too many requests"),
        "500": .status(500, message: "broken"),
        "slow": .delay(.milliseconds(20)),
        "an answer of another program": .garbage("<html>"),
        "a lying resourceVersion": .version("7"),
    ]

    /// One end of a change of the verdict.
    private struct Shown {
        var verdict: Verdict
        var count: String
        var ready: Condition.Status

        init(_ verdict: Verdict, count: String) {
            (self.verdict, self.count) = (verdict, count)
            ready = verdict == .ready ? .yes : .no
        }

        var publication: Publication {
            AgentTests.publication(verdict, ["nvidia.com/gpu.count": count], conditions: [gpuReady(ready), gpuHealthy])
        }
    }

    /// What the Node shows now, from the memory of the server.
    private struct Found: Equatable {
        var verdict: String?
        var count: String?
        var isTainted: Bool
        var ready: String?
        /// What other programs wrote: a label, a taint and a condition.
        var others: [String?]

        init(_ cluster: TestCluster) async {
            let node = await cluster.server.store.object(ObjectKey(resource: "nodes", name: TestCluster.nodeName))
            let labels = node?[path: ["metadata", "labels"]]?.strings ?? [:]
            let taints = (node?[path: ["spec", "taints"]]?.array ?? []).compactMap { $0["key"]?.string }
            let conditions = await cluster.conditions()
            (verdict, count) = (labels["gpu-agent.dev/verdict"], labels["nvidia.com/gpu.count"])
            isTainted = taints.contains("gpu-agent.dev/not-ready")
            ready = conditions["GPUReady"]?.status
            others = [labels["other/a"], taints.first { $0 == "other/b" }, conditions["Ready"]?.reason]
        }

        init(_ shown: Shown) {
            (verdict, count, ready) = (shown.verdict.rawValue, shown.count, shown.ready.rawValue)
            isTainted = shown.verdict != .ready
            others = ["1", "other/b", "KubeletReady"]
        }
    }

    private func writeAsOthers(_ cluster: TestCluster) async throws {
        try await cluster.changeNode([
            "metadata": ["labels": ["other/a": "1"]],
            "spec": ["taints": [["key": "other/b", "effect": "NoSchedule"]]],
        ])
        try await cluster.changeConditions([["type": "Ready", "status": "True", "reason": "KubeletReady"]])
    }

    @Test(arguments: faults.keys.sorted(), 0...3)
    func leavesNoLieAndNoLoss(_ fault: String, _ position: Int) async throws {
        let action = try #require(Self.faults[fault])
        for (old, new) in [(Verdict.ready, Verdict.notReady), (.notReady, .ready)] {
            let (before, after) = (Shown(old, count: "1"), Shown(new, count: "2"))
            try await TestCluster.with { cluster in
                try await writeAsOthers(cluster)
                let link = TestLink(cluster)
                try await link.publish(before.publication)
                #expect(await Found(cluster) == Found(before))

                cluster.server.faults.add(Fault(action, times: .max, after: position))
                _ = try? await link.publish(after.publication)
                let found = await Found(cluster)
                // The labels are of one publication, old or new, and the taint is off only beside the verdict "ready".
                let pair = [found.verdict, found.count]
                #expect([[old.rawValue, "1"], [new.rawValue, "2"]].contains(pair))
                #expect(found.isTainted || found.verdict == "ready")
                #expect([before.ready.rawValue, after.ready.rawValue].contains(found.ready ?? ""))
                #expect(found.others == Found(before).others)

                cluster.server.faults.clear()
                try await TestLink(cluster).publish(after.publication)
                #expect(await Found(cluster) == Found(after))
            }
        }
    }

    @Test func aTokenThatIsRotatedLateCostsNothing() async throws {
        let (before, after) = (Shown(.ready, count: "1"), Shown(.notReady, count: "2"))
        try await TestCluster.with { cluster in
            try await writeAsOthers(cluster)
            let link = TestLink(cluster)
            try await link.publish(before.publication)
            cluster.server.users.set(nil, for: "agent")
            cluster.server.users.set(try TestCluster.agent(), for: "rotated")
            await #expect(throws: KubernetesError.self) { try await link.publish(after.publication) }
            #expect(await Found(cluster) == Found(before))
            try cluster.directory.write("token", "rotated\n")
            try await eventually("the new token is used") { (try? await link.publish(after.publication)) != nil }
            #expect(await Found(cluster) == Found(after))
        }
    }

    @Test func aNodeThatIsMadeAgainShowsTheSame() async throws {
        let shown = Shown(.notReady, count: "1")
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            try await link.publish(shown.publication)
            await cluster.deleteNode()
            var node = TestCluster.node
            node["metadata"]?["uid"] = "uid-2"
            try await cluster.server.seed(node: node)
            try await writeAsOthers(cluster)
            // As after the end of the watch, which told of the deletion.
            await link.mirror.forget()
            try await link.publish(shown.publication)
            #expect(await Found(cluster) == Found(shown))
        }
    }

    @Test(arguments: [-7200.0, 7200, -1_800_000_000])
    func aServerWithAnotherClockIsWrittenOnce(_ skew: Double) async throws {
        let (before, after) = (Shown(.ready, count: "1"), Shown(.notReady, count: "2"))
        try await TestCluster.with(now: { Date().addingTimeInterval(skew) }) { cluster in
            try await writeAsOthers(cluster)
            for shown in [before, after] {
                try await TestLink(cluster).publish(shown.publication)
                cluster.server.log.clear()
                try await TestLink(cluster).publish(shown.publication)
                #expect(cluster.server.log.all.map(\.method) == ["GET"])
                #expect(await Found(cluster) == Found(shown))
            }
        }
    }

    @Test func aBookmarkWithAnotherVersionLosesNoTaint() async throws {
        let (before, after) = (Shown(.ready, count: "1"), Shown(.notReady, count: "2"))
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            try await link.publish(before.publication)
            try await writeAsOthers(cluster)
            _ = await link.observe(.bookmark(resourceVersion: "999999"))
            try await link.publish(after.publication)
            #expect(await Found(cluster) == Found(after))
        }
    }

    /// The event is lost, and so is the connection; the Node is read instead.
    @Test(arguments: [0, 1, 200])
    func aWatchThatIsCutInAnEventLosesNothing(_ bytes: Int) async throws {
        try await TestCluster.with { cluster in
            try await TestLink(cluster).publish(testPublication)
            cluster.server.faults.add(Fault(.cut(bytes: bytes), method: "GET", target: "watch=true"))
            try await withPublisher(cluster) { _ in
                try await eventually("a watch") { await cluster.server.store.openWatches == 1 }
                try await cluster.changeNode(["metadata": ["labels": ["gpu-agent.dev/verdict": "x"]]])
                try await eventually("the label is right again") {
                    await Found(cluster).verdict == "ready"
                }
            }
        }
    }
}
