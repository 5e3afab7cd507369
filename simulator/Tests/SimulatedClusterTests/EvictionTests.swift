import FoundationEssentials
import Testing

@testable import SimulatedCluster

/// Evictions, for the states of a pod and of its budgets.
@Suite struct EvictionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var pod: JSON = Self.pod("a")
        /// The other pods with the same label.
        var others: [JSON] = []
        /// The specifications of the budgets, without their selectors.
        var budgets: [JSON] = []
        var options: JSON = [:]
        var status = 201
        /// A part of the server's answer to a refusal.
        var text = ""
        /// The state of the pod afterwards.
        var after = State.ending

        enum State: Sendable { case same, ending, gone }

        init(_ name: String, _ change: (inout Self) -> Void) {
            testDescription = name
            change(&self)
        }

        static func pod(_ name: String, phase: String = "Running", ready: Bool = true, node: String = "n") -> JSON {
            [
                "metadata": ["name": .string(name), "labels": ["app": "x"]],
                "spec": ["nodeName": .string(node), "terminationGracePeriodSeconds": 5],
                "status": [
                    "phase": .string(phase), "conditions": [["type": "Ready", "status": ready ? "True" : "False"]],
                ],
            ]
        }

        mutating func refused(_ status: Int, _ text: String) {
            (self.status, self.text, after) = (status, text, .same)
        }
    }

    static let cases = [
        Case("no budget") { _ in },
        Case("a budget with room") {
            $0.others = [Case.pod("b")]; $0.budgets = [["minAvailable": 1]]
        },
        Case("a budget without room") {
            $0.budgets = [["minAvailable": 1]]
            $0.refused(429, "The disruption budget b0 needs 1 healthy pods and has 1 currently")
        },
        Case("a percentage, rounded up") {
            $0.others = [Case.pod("b"), Case.pod("c")]
            $0.budgets = [["minAvailable": "67%"]]
            $0.refused(429, "needs 3 healthy pods and has 3 currently")
        },
        Case("one pod may be missing") {
            $0.others = [Case.pod("b", ready: false)]
            $0.budgets = [["maxUnavailable": 1]]
            $0.refused(429, "needs 1 healthy pods and has 1 currently")
        },
        Case("a pod that is not ready while the others are enough") {
            $0.pod = Case.pod("a", ready: false)
            $0.others = [Case.pod("b")]
            $0.budgets = [["minAvailable": 1]]
        },
        Case("a pod that is not ready while the others are too few") {
            $0.pod = Case.pod("a", ready: false)
            $0.budgets = [["minAvailable": 1]]
            $0.refused(429, "needs 1 healthy pods and has 0 currently")
        },
        Case("a pod that is not ready, with a policy that always allows it") {
            $0.pod = Case.pod("a", ready: false)
            $0.budgets = [["minAvailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"]]
        },
        Case("a pod that does not run yet") {
            $0.pod = Case.pod("a", phase: "Pending")
            $0.budgets = [["minAvailable": 1]]
        },
        Case("a pod that is over") {
            $0.pod = Case.pod("a", phase: "Succeeded")
            $0.budgets = [["minAvailable": 1]]
            $0.after = .gone
        },
        Case("a pod without a node") {
            $0.pod = Case.pod("a", node: ""); $0.after = .gone
        },
        Case("two budgets") {
            $0.budgets = [["minAvailable": 0], ["minAvailable": 0]]
            $0.refused(500, "This pod has more than one PodDisruptionBudget")
        },
        Case("the UID of another pod") {
            $0.options = ["preconditions": ["uid": "x"]]
            $0.refused(409, "the UID in the precondition (x) does not match the UID in record")
        },
        Case("no grace") {
            $0.options = ["gracePeriodSeconds": 0]; $0.after = .gone
        },
        Case("a dry run") {
            $0.options = ["dryRun": ["All"]]; $0.after = .same
        },
    ]

    private static let pods = "/api/v1/namespaces/default/pods"

    @Test(arguments: cases)
    func isAllowedOrRefused(_ example: Case) async throws {
        let server = try await Exchange.server()
        for pod in [example.pod] + example.others { try await make(pod, on: server) }
        for (index, budget) in example.budgets.enumerated() {
            var spec = budget
            spec["selector"] = ["matchLabels": ["app": "x"]]
            let body: JSON = ["metadata": ["name": .string("b\(index)")], "spec": spec]
            let target = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
            try await send("POST", target, body, 201, server)
        }
        let body: JSON = ["metadata": ["name": "a"], "deleteOptions": example.options]
        let answer = try await send("POST", "\(Self.pods)/a/eviction", body, example.status, server)
        #expect(String(decoding: try answer.data(), as: UTF8.self).contains(example.text))
        let pod = await server.store.object(ObjectKey(resource: "pods", namespace: "default", name: "a"))
        let end = pod?[path: ["metadata", "deletionTimestamp"]]?.string
        switch example.after {
        case .same: #expect(pod != nil && end == nil)
        // The clock of the server stands at 2027-01-15T08:00:00Z.
        case .ending: #expect(end == "2027-01-15T08:00:05Z")
        case .gone: #expect(pod == nil)
        }
    }

    @Test func aBudgetOfOtherPodsDoesNotCount() async throws {
        let server = try await Exchange.server()
        try await make(Case.pod("a"), on: server)
        let notX: JSON = ["key": "app", "operator": "NotIn", "values": ["x"]]
        let selectors: [JSON] = [["matchLabels": ["app": "y"]], ["matchExpressions": [notX]]]
        for (index, selector) in selectors.enumerated() {
            let spec: JSON = ["minAvailable": 1, "selector": selector]
            let body: JSON = ["metadata": ["name": .string("b\(index)")], "spec": spec]
            try await send("POST", "/apis/policy/v1/namespaces/default/poddisruptionbudgets", body, 201, server)
        }
        try await send("POST", "\(Self.pods)/a/eviction", ["metadata": ["name": "a"]], 201, server)
    }

    /// Makes a pod, and then its status, as the kubelet does.
    private func make(_ pod: JSON, on server: SimulatedAPIServer) async throws {
        let name = pod[path: ["metadata", "name"]]?.string ?? ""
        try await send("POST", Self.pods, pod, 201, server)
        let status: JSON = ["status": pod["status"] ?? [:]]
        let merge = Exchange(
            method: "PATCH",
            target: "\(Self.pods)/\(name)/status",
            type: Exchange.merge,
            body: status,
            status: 200
        )
        #expect(try await merge.send(to: server).0 == 200)
    }

    @discardableResult
    private func send(
        _ method: String,
        _ target: String,
        _ body: JSON,
        _ status: Int,
        _ server: SimulatedAPIServer
    ) async throws -> JSON {
        let exchange = Exchange(method: method, target: target, type: "application/json", body: body, status: status)
        let (found, json) = try await exchange.send(to: server)
        #expect(found == status, "\(json["message"]?.string ?? "")")
        return json
    }
}
