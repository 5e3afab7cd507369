import ClusterSupport
import Kubernetes
import SimulatedCluster
import Support
import Testing

@Suite struct LeaseTests {
    static let rights = [
        Rights.Rule(
            verbs: ["get", "create", "update"],
            groups: ["coordination.k8s.io"],
            resources: ["leases"],
            namespace: "gpu-agent"
        )
    ]

    private let now = Timestamp(1_800_000_000.25)

    private func lease(_ holder: String?) -> Lease {
        var lease = Lease(namespace: "gpu-agent", name: "slot-1")
        (lease.holder, lease.durationSeconds, lease.acquired, lease.renewed) = (holder, 60, now, now)
        return lease
    }

    @Test func isTakenRenewedAndLeft() async throws {
        try await TestCluster.with { cluster in
            try cluster.allow(Self.rights)
            let client = cluster.client
            var held = try await client.createLease(lease("gpu-1"), fieldManager: "gpu-agent")
            #expect(held.holder == "gpu-1" && held.durationSeconds == 60 && held.transitions == 0)
            #expect(held.acquired == now && held.renewed == now && !held.resourceVersion.isEmpty)
            held.renewed = Timestamp(now.seconds + 20)
            held = try await client.updateLease(held, fieldManager: "gpu-agent")
            let read = try await client.lease("slot-1", namespace: "gpu-agent")
            #expect(read == held && read.renewed == Timestamp(now.seconds + 20) && read.acquired == now)
            held.holder = nil
            held.transitions += 1
            #expect(try await client.updateLease(held, fieldManager: "gpu-agent").holder == nil)
            #expect(try await client.lease("slot-1", namespace: "gpu-agent").transitions == 1)
        }
    }

    @Test func onlyTheFirstOfTwoGetsIt() async throws {
        try await TestCluster.with { cluster in
            try cluster.allow(Self.rights)
            let client = cluster.client
            var first = try await client.createLease(lease(nil), fieldManager: "gpu-agent")
            let again = await failure { () throws(KubernetesError) in
                _ = try await client.createLease(lease("gpu-2"), fieldManager: "gpu-agent")
            }
            guard case .alreadyExists(#"leases.coordination.k8s.io "slot-1" already exists"#) = again else {
                Issue.record("\(String(describing: again))")
                return
            }
            var second = first
            first.holder = "gpu-1"
            second.holder = "gpu-2"
            _ = try await client.updateLease(first, fieldManager: "gpu-agent")
            let late = second
            let error = await failure { () throws(KubernetesError) in
                _ = try await client.updateLease(late, fieldManager: "gpu-agent")
            }
            guard case .conflict = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(try await client.lease("slot-1", namespace: "gpu-agent").holder == "gpu-1")
        }
    }

    @Test func aLeaseThatWasNotReadReplacesNothing() async throws {
        try await TestCluster.with { cluster in
            try cluster.allow(Self.rights)
            let lease = lease("gpu-1")
            let error = await failure { () throws(KubernetesError) in
                _ = try await cluster.client.updateLease(lease, fieldManager: "gpu-agent")
            }
            guard case .malformed = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(cluster.server.log.all.isEmpty)
        }
    }

    /// The update sends back what other programs wrote.
    @Test func keepsWhatItDoesNotKnow() throws {
        var lease = lease("gpu-1")
        let before = lease.document
        lease.renewed = Timestamp(1_800_000_060)
        var after = lease.document
        #expect(after[path: ["spec", "renewTime"]] == "2027-01-15T08:01:00.000000Z")
        after["spec"]?["renewTime"] = before[path: ["spec", "renewTime"]]
        #expect(after == before)
        #expect(before[path: ["spec", "acquireTime"]] == "2027-01-15T08:00:00.250000Z")
    }
}
