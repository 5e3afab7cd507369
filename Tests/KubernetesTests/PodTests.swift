import ClusterSupport
import FoundationEssentials
import Kubernetes
import SimulatedCluster
import Support
import TestSupport
import Testing

/// The pods of a node, and their evictions.
@Suite struct PodTests {
    static let rights = [
        Rights.Rule(verbs: ["list"], resources: ["pods"]),
        Rights.Rule(verbs: ["create"], resources: ["pods/eviction"]),
    ]

    private func pod(_ name: String, _ uid: String) -> Pod { Pod(namespace: "default", name: name, uid: uid) }

    @Test func readsWhatTellsWhetherAPodCanGo() throws {
        let text = """
            {"metadata": {"namespace": "a", "name": "b", "uid": "c", "labels": {"d": "e"},
              "deletionTimestamp": "2026-11-27T00:00:00Z", "annotations": {"kubernetes.io/config.mirror": "f"},
              "ownerReferences": [{"kind": "X", "name": "x"}, {"kind": "DaemonSet", "name": "y", "controller": true}]},
             "spec": {"containers": [{"resources": {"limits": {"nvidia.com/gpu": "2", "cpu": "0"}}}],
              "initContainers": [{"resources": {"requests": {"memory": 5, "hugepages-2Mi": 0}}}],
              "resourceClaims": [{"name": "g", "resourceClaimName": "h"}, {"name": "i", "resourceClaimTemplateName": "j"}]},
             "status": {"phase": "Failed", "resourceClaimStatuses": [{"name": "i", "resourceClaimName": "b-i-1"}],
              "extendedResourceClaimStatus": {"resourceClaimName": "b-extended"}}}
            """
        let read = try JSONDecoder().decode(Pod.self, from: Data(text.utf8))
        let expected = Pod(
            namespace: "a",
            name: "b",
            uid: "c",
            labels: ["d": "e"],
            phase: "Failed",
            isTerminating: true,
            controllerKind: "DaemonSet",
            isMirror: true,
            resources: ["nvidia.com/gpu", "memory"],
            claims: ["h", "b-i-1", "b-extended"]
        )
        #expect(read == expected && read.isOver)
    }

    @Test(arguments: [
        #"{"metadata": {"namespace": "a", "name": "b", "uid": "c"}}"#,
        #"{"metadata": {"namespace": "a", "name": "b", "uid": "c"}, "spec": {"containers": 1, "resourceClaims": {}}}"#,
        #"{"metadata": {"namespace": "a", "name": "b", "uid": "c", "ownerReferences": "x"}, "status": {"phase": 1}}"#,
    ])
    func aMemberOfAnotherTypeIsMissing(_ text: String) throws {
        let read = try JSONDecoder().decode(Pod.self, from: Data(text.utf8))
        #expect(read == Pod(namespace: "a", name: "b", uid: "c", phase: "Unknown"))
    }

    @Test func aPodWithoutIdentityIsRefused() {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(Pod.self, from: Data(#"{"metadata": {"name": "b"}}"#.utf8))
        }
    }

    @Test func listsThePodsOfItsNodeOnly() async throws {
        try await TestCluster.with { cluster in
            try cluster.allow(Self.rights)
            let limits: JSON = ["nvidia.com/gpu": "1"]
            let spec: [String: JSON] = ["containers": [["name": "c", "resources": ["limits": limits]]]]
            try await cluster.makePod("one", spec: spec)
            try await cluster.makePod("other", on: "gpu-2")
            try await cluster.makePod("over", phase: "Succeeded")
            let pods = try await cluster.client.pods(onNode: TestCluster.nodeName)
            #expect(pods.map(\.name) == ["one", "over"])
            #expect(pods.map(\.resources) == [["nvidia.com/gpu"], []])
            #expect(pods.map(\.isOver) == [false, true])
            #expect(pods.allSatisfy { $0.namespace == "default" && !$0.uid.isEmpty })
        }
    }

    @Test func asksForThePagesThatTheServerHas() {
        let first = "/api/v1/pods?fieldSelector=spec.nodeName%3Dn&limit=200"
        #expect(KubernetesRequest.pods(onNode: "n").target == first)
        #expect(KubernetesRequest.pods(onNode: "n").page(after: "a=").target == first + "&continue=a%3D")
    }

    @Test(arguments: [(199, 1), (200, 1), (201, 2)])
    func readsAllPages(_ count: Int, _ pages: Int) async throws {
        try await TestCluster.with { cluster in
            try cluster.allow(Self.rights)
            for index in 0..<count { try await cluster.makePod("pod-\(index)") }
            cluster.server.log.clear()
            let names = try await cluster.client.pods(onNode: TestCluster.nodeName).map(\.name)
            #expect(Set(names).count == count && names.count == count)
            #expect(cluster.server.log.all.count == pages)
        }
    }

    @Test func aListThatTheServerForgotIsReadOnceMore() async throws {
        try await TestCluster.with { cluster in
            try cluster.allow(Self.rights)
            try await cluster.makePod("one")
            cluster.server.faults.add(Fault(.status(410, message: "too old"), target: "/pods?"))
            #expect(try await cluster.client.pods(onNode: TestCluster.nodeName).map(\.name) == ["one"])
            cluster.server.faults.add(Fault(.status(410, message: "too old"), times: 2, target: "/pods?"))
            let error = await failure { () throws(KubernetesError) in
                _ = try await cluster.client.pods(onNode: TestCluster.nodeName)
            }
            guard case .gone = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    /// A server that gives the token of the same page again.
    @Test func aListWithoutEndIsGivenUp() async throws {
        try await TestCluster.with { cluster in
            let page = #"{"kind": "PodList", "metadata": {"continue": "again"}, "items": []}"#
            cluster.server.faults.add(Fault(.garbage(page), times: 1000))
            let error = await failure { () throws(KubernetesError) in
                _ = try await cluster.client.pods(onNode: TestCluster.nodeName)
            }
            guard case .malformed(_, "more than 20 pages") = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(cluster.server.log.all.count == 20)
        }
    }

    /// A wrong answer must not look like a node without pods.
    @Test(arguments: ["{}", #"{"items": {}}"#])
    func anAnswerThatIsNoListIsMalformed(_ answer: String) async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.garbage(answer)))
            let error = await failure { () throws(KubernetesError) in
                _ = try await cluster.client.pods(onNode: TestCluster.nodeName)
            }
            guard case .malformed = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test func aListOfNullIsEmpty() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.garbage(#"{"metadata": {}, "items": null}"#)))
            let pods = try await cluster.client.pods(onNode: TestCluster.nodeName)
            #expect(pods.isEmpty)
        }
    }

    @Test func anEvictionEndsAPod() async throws {
        try await TestCluster.with { cluster in
            try cluster.allow(Self.rights)
            let uid = try await cluster.makePod("one")
            let pod = pod("one", uid)
            #expect(try await cluster.client.evict(pod, dryRun: true) == .accepted)
            #expect(try await cluster.client.pods(onNode: TestCluster.nodeName).map(\.isTerminating) == [false])
            for _ in 0..<2 { #expect(try await cluster.client.evict(pod) == .accepted) }
            #expect(try await cluster.client.pods(onNode: TestCluster.nodeName).map(\.isTerminating) == [true])
            try await cluster.endPod("one")
            #expect(try await cluster.client.evict(pod) == .gone)
        }
    }

    /// A StatefulSet makes its pod again with the same name.
    @Test func aNewPodOfTheSameNameIsLeftAlone() async throws {
        try await TestCluster.with { cluster in
            try cluster.allow(Self.rights)
            let uid = try await cluster.makePod("one")
            try await cluster.endPod("one")
            try await cluster.makePod("one")
            #expect(try await cluster.client.evict(pod("one", uid)) == .gone)
            #expect(try await cluster.client.pods(onNode: TestCluster.nodeName).map(\.isTerminating) == [false])
        }
    }

    @Test func aBudgetSaysWhatItNeeds() async throws {
        try await TestCluster.with { cluster in
            try cluster.allow(Self.rights)
            let uid = try await cluster.makePod("one", metadata: ["labels": ["app": "x"]])
            try await cluster.makeBudget("b", of: ["app": "x"], keeping: 1)
            let message = "The disruption budget b needs 1 healthy pods and has 1 currently"
            #expect(try await cluster.client.evict(pod("one", uid)) == .blocked(message: message, retryAfter: nil))
            // Another pod takes over, and the budget has room.
            try await cluster.makePod("two", on: "gpu-2", metadata: ["labels": ["app": "x"]])
            #expect(try await cluster.client.evict(pod("one", uid)) == .accepted)
        }
    }

    @Test func severalBudgetsAreToldApart() async throws {
        try await TestCluster.with { cluster in
            try cluster.allow(Self.rights)
            let uid = try await cluster.makePod("one", metadata: ["labels": ["app": "x"]])
            for name in ["a", "b"] { try await cluster.makeBudget(name, of: ["app": "x"], keeping: 0) }
            guard case .severalBudgets(let message) = try await cluster.client.evict(pod("one", uid)) else {
                Issue.record("not severalBudgets")
                return
            }
            #expect(message.hasPrefix("This pod has more than one PodDisruptionBudget"))
        }
    }

    /// An overloaded server says nothing about the budget, and a failing one nothing about several budgets.
    @Test func otherAnswersAreErrors() async throws {
        try await TestCluster.with { cluster in
            let client = cluster.client
            cluster.server.faults.add(.tooManyRequests(retryAfter: 3))
            let busy = await failure { () throws(KubernetesError) in _ = try await client.evict(pod("one", "u")) }
            guard case .tooManyRequests(.some(.seconds(3))) = busy else {
                Issue.record("\(String(describing: busy))")
                return
            }
            cluster.server.faults.add(Fault(.status(500, message: "no")))
            let broken = await failure { () throws(KubernetesError) in _ = try await client.evict(pod("one", "u")) }
            guard case .server(500, "no", nil) = broken else {
                Issue.record("\(String(describing: broken))")
                return
            }
        }
    }
}
