import Cluster
import ClusterSupport
import Kubernetes
import NodeModel
import Reporting
import SimulatedCluster
import TestSupport
import Testing

@testable import Agent

/// The taints of node pools and autoscalers, which the agent removes and never adds.
@Suite struct StartupTaintTests {
    private static let own = Taint(key: "gpu-agent.dev/not-ready", effect: "NoSchedule")
    private static let startup = Taint(
        key: "startup-taint.cluster-autoscaler.kubernetes.io/gpu-agent",
        value: "true",
        effect: "NoSchedule"
    )
    private static let older = Taint(
        key: "ignore-taint.cluster-autoscaler.kubernetes.io/gpu-agent",
        effect: "NoSchedule"
    )
    private static let evicting = Taint(key: startup.key, effect: "NoExecute")
    private static let network = Taint(
        key: "startup-taint.cluster-autoscaler.kubernetes.io/network",
        effect: "NoSchedule"
    )
    private static let sku = Taint(key: "sku", value: "gpu", effect: "NoSchedule")

    private static func wanted(_ verdict: Verdict) -> Publication {
        var wanted = publication(verdict)
        if wanted.taint == .absent { wanted.startupTaints = StartupTaint.presets }
        return wanted
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var verdict: Verdict
        var before: [Taint]
        var after: [Taint]

        var testDescription: String { "\(verdict.rawValue): \(before.map(\.key).joined(separator: " "))" }
    }

    @Test(arguments: [
        Case(verdict: .ready, before: [sku, startup, own, older], after: [sku]),
        Case(verdict: .ready, before: [startup], after: []),
        Case(verdict: .ready, before: [own, network, evicting, startup, sku], after: [network, evicting, sku]),
        Case(verdict: .noGPU, before: [startup, sku], after: [sku]),
        Case(verdict: .notReady, before: [startup, sku], after: [startup, sku, own]),
        Case(verdict: .installing, before: [startup, own], after: [startup, own]),
        Case(verdict: .unknown, before: [startup, own], after: [startup, own]),
        Case(verdict: .waiting, before: [startup], after: [startup]),
    ])
    func onePatchRemovesThemWithTheOwnTaint(_ test: Case) async throws {
        try await TestCluster.with { cluster in
            if !test.before.isEmpty {
                let taints = test.before.map { taint -> JSON in
                    ["key": .string(taint.key), "value": .string(taint.value), "effect": .string(taint.effect)]
                }
                try await cluster.changeNode(["spec": ["taints": .array(taints)]])
            }
            let link = TestLink(cluster)
            try await link.publish(Self.wanted(test.verdict))
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.taints == test.after)
            let patches = cluster.server.log.all.filter { $0.contentType == "application/json-patch+json" }
            #expect(patches.count == (test.before == test.after ? 0 : 1))
        }
    }

    /// Another client adds a taint between the read and the patch: the test of the patch fails, and no taint is lost.
    @Test func noTaintOfAnotherIsLost() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            try await cluster.changeNode([
                "spec": ["taints": [["key": .string(Self.startup.key), "effect": "NoSchedule"]]]
            ])
            _ = try await link.mirror.read()
            try await cluster.changeNode([
                "spec": [
                    "taints": [
                        ["key": "new", "effect": "NoSchedule"],
                        ["key": .string(Self.startup.key), "effect": "NoSchedule"],
                    ]
                ]
            ])
            try await link.publish(Self.wanted(.ready))
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.taints == [Taint(key: "new", effect: "NoSchedule")])
        }
    }

    /// A policy without the same list refuses the patch, and the agent's own taint goes nevertheless.
    @Test func aRefusedStartupTaintKeepsNothingElse() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            try await link.publish(Self.wanted(.ready))
            let taints = [Self.own, Self.startup].map { taint -> JSON in
                ["key": .string(taint.key), "value": .string(taint.value), "effect": .string(taint.effect)]
            }
            try await cluster.changeNode(["spec": ["taints": .array(taints)]])
            await link.mirror.forget()
            cluster.server.faults.add(Fault(.status(403, message: "no"), times: 1, method: "PATCH"))
            await #expect(throws: KubernetesError.self) { try await link.publish(Self.wanted(.ready)) }
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.taints == [Self.startup])
            #expect(await link.state.isRefused == true)
        }
    }

    /// A node pool that puts the taint back again and again is a finding and no fight.
    @Test func aTaintThatComesBackIsContested() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            for _ in 0..<6 {
                try await cluster.changeNode([
                    "spec": ["taints": [["key": .string(Self.startup.key), "effect": "NoSchedule"]]]
                ])
                await link.mirror.forget()
                try await link.publish(Self.wanted(.ready))
            }
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.taints.map(\.key) == [Self.startup.key])
            let field = "the start-up taint \(Self.startup.key):NoSchedule"
            #expect(await link.state.contested?.map(\.field) == [field])
        }
    }

    /// The policy lets the agent remove exactly the taints that it removes without a configuration.
    @Test func theAdmissionPolicyAllowsTheRemoval() async throws {
        do { _ = try await TestCluster.admission } catch let error as PythonPackages.Missing {
            try Test.cancel("\(error)")
        }
        try await TestCluster.with(admission: true) { cluster in
            let taints = [Self.sku, Self.startup, Self.own, Self.older].map { taint -> JSON in
                ["key": .string(taint.key), "value": .string(taint.value), "effect": .string(taint.effect)]
            }
            try await cluster.changeNode(["spec": ["taints": .array(taints)]])
            try await TestLink(cluster).publish(Self.wanted(.ready))
            let node = try await cluster.client.node(TestCluster.nodeName)
            #expect(node.taints == [Self.sku])
            #expect(cluster.server.log.all.allSatisfy { $0.status < 400 })
        }
    }

    @Test func onlyTheModeManageRemovesThem() {
        let wanted = Self.wanted(.ready)
        #expect(wanted.limited(to: .manage).startupTaints == StartupTaint.presets)
        #expect(wanted.limited(to: .label).startupTaints.isEmpty && wanted.limited(to: .observe).startupTaints.isEmpty)
    }
}
