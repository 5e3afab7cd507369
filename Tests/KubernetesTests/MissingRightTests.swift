import ClusterSupport
import Kubernetes
import SimulatedCluster
import Support
import Testing

/// An agent without any right, for each request that it can make.
@Suite struct MissingRightTests {
    /// The request, and what the server says about the right.
    private typealias Request = @Sendable (KubernetesClient) async throws(KubernetesError) -> Void

    private static let name = TestCluster.nodeName
    private static let pod = Pod(namespace: "default", name: "p", uid: "u")

    private static let requests: [String: Request] = [
        #"get resource "nodes" in API group "" at the cluster scope"#: { client throws(KubernetesError) in
            _ = try await client.node(name)
        },
        #"patch resource "nodes" in API group "" at the cluster scope"#: { client throws(KubernetesError) in
            _ = try await client.patchNode(name, operations: [], fieldManager: "m")
        },
        #"patch resource "nodes/status" in API group "" at the cluster scope"#: { client throws(KubernetesError) in
            _ = try await client.applyNode(name, subresource: "status", body: [:], fieldManager: "m")
        },
        #"list resource "pods" in API group "" at the cluster scope"#: { client throws(KubernetesError) in
            _ = try await client.pods(onNode: name)
        },
        #"create resource "pods/eviction" in API group "" in the namespace "default""#: {
            client throws(KubernetesError) in _ = try await client.evict(pod)
        },
        #"get resource "leases" in API group "coordination.k8s.io" in the namespace "a""#: {
            client throws(KubernetesError) in _ = try await client.lease("b", namespace: "a")
        },
        #"create resource "leases" in API group "coordination.k8s.io" in the namespace "a""#: {
            client throws(KubernetesError) in
            _ = try await client.createLease(Lease(namespace: "a", name: "b"), fieldManager: "m")
        },
    ]

    @Test(arguments: requests.keys.sorted())
    func theErrorNamesVerbAndResource(_ right: String) async throws {
        let request = try #require(Self.requests[right])
        try await TestCluster.with { cluster in
            cluster.server.users.set(User("nobody", Rights([])), for: "agent")
            let error = await failure { () throws(KubernetesError) in try await request(cluster.client) }
            guard case .forbidden(let message) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(message.hasSuffix(#"is forbidden: User "nobody" cannot \#(right)"#), "\(message)")
        }
    }
}
