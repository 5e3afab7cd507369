package import FoundationEssentials
package import Kubernetes
import Logging
package import SimulatedCluster
package import Support
package import TestSupport

/// A running simulated API server with one Node, and a client for it.
package struct TestCluster: Sendable {
    package static let nodeName = "gpu-1"
    /// The agent in a pod of the node, with the rights of the shipped manifests.
    package static func agent(on node: String = nodeName) throws -> User {
        let rights = try Rights(rbac: fixture("../../daemonset/base/rbac.yaml"), account: "gpu-agent", in: "gpu-agent")
        return .serviceAccount("gpu-agent", in: "gpu-agent", node: node, rights)
    }

    package static let manager = "gpu-agent"
    /// A change of the Node, as JSON.
    package typealias Patch = JSON

    package let server: SimulatedAPIServer
    package let client: KubernetesClient
    /// Contains the token file.
    package let directory: TemporaryDirectory

    package var tokenFile: String { directory.path("token") }

    /// Runs a test with a new cluster, and stops the cluster afterwards.
    ///
    /// The token `agent` has the rights of the agent, and `other` has all rights. `now` is the clock of the server. With `admission`, the shipped
    /// admission policy limits the agent too, unless the Python packages of its evaluator cannot be installed. All
    /// clusters share the evaluator, which takes its time for each write. So only the tests about the policy use it.
    package static func with(
        admission isLimited: Bool = false,
        limits: KubernetesClient.Limits = .init(request: .seconds(20), watch: .seconds(20)),
        historyLimit: Int = 1000,
        bookmarkInterval: Duration = .seconds(60),
        now: @escaping @Sendable () -> Date = { Date() },
        _ body: (TestCluster) async throws -> Void
    ) async throws {
        let certificates = try await TestCertificates.shared
        let server = try SimulatedAPIServer(
            certificate: .init(
                certificateFile: certificates.certificateFile,
                privateKeyFile: certificates.privateKeyFile
            ),
            tokens: ["agent": try agent(), "other": User("somebody", .everything)],
            admission: isLimited ? try await admissionIfPossible : nil,
            historyLimit: historyLimit,
            bookmarkInterval: bookmarkInterval,
            now: now
        )
        try await server.seed(node: node)
        let port = try await server.start()
        let directory = try TemporaryDirectory()
        try directory.write("token", "agent\n")
        let access = ClusterAccess(
            server: "https://127.0.0.1:\(port)",
            certificateAuthorityFile: certificates.authorityFile,
            tokenFile: directory.path("token")
        )
        let client = try await client(access, limits: limits)
        let cluster = TestCluster(server: server, client: client, directory: directory)
        do {
            try await body(cluster)
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    private func stop() async {
        server.faults.release()
        await client.shutdown()
        await server.stop()
    }

    package static func client(
        _ access: ClusterAccess,
        limits: KubernetesClient.Limits = .init()
    ) async throws(KubernetesError) -> KubernetesClient {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return try await KubernetesClient(access: access, limits: limits, userAgent: "gpu-agent/test", logger: logger)
    }

    package static let node: JSON = [
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": ["name": .string(nodeName), "uid": "uid-1", "labels": ["kubernetes.io/os": "linux"]],
        "spec": ["providerID": "azure:///one"],
        "status": ["capacity": ["cpu": "4"]],
    ]

    /// The body that the agent would apply.
    package func applied(labels: [String: String]) -> JSONValue {
        [
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": ["name": .string(Self.nodeName), "uid": "uid-1", "labels": JSONValue(labels)],
        ]
    }

    /// Changes the Node as another client does.
    package func changeNode(_ patch: JSON, fieldManager: String = "kubectl-edit") async throws {
        try await change("?fieldManager=\(fieldManager)", "application/merge-patch+json", patch)
    }

    /// Changes conditions of the Node as the kubelet and other agents do: the conditions that are not named stay.
    package func changeConditions(_ conditions: JSON, fieldManager: String = "kubelet") async throws {
        let patch: JSON = ["status": ["conditions": conditions]]
        try await change("/status?fieldManager=\(fieldManager)", "application/strategic-merge-patch+json", patch)
    }

    /// Patches the Node, or what `rest` names below it, as another client.
    private func change(_ rest: String, _ contentType: String, _ patch: JSON) async throws {
        let answer = await server.respond(
            to: APIRequest(
                method: "PATCH",
                target: "/api/v1/nodes/\(Self.nodeName)\(rest)",
                contentType: contentType,
                authorization: "Bearer other",
                body: try patch.data()
            )
        )
        guard answer.status == 200 else { throw Unexpected(answer: answer) }
    }

    /// The conditions of the Node by their type, from the memory of the server.
    package func conditions() async -> [String: NodeCondition] {
        let node = await server.store.object(ObjectKey(resource: "nodes", name: Self.nodeName))
        let all = (node?[path: ["status", "conditions"]]?.array ?? []).map { condition in
            NodeCondition(
                type: condition["type"]?.string ?? "",
                status: condition["status"]?.string ?? "",
                reason: condition["reason"]?.string ?? "",
                message: condition["message"]?.string ?? "",
                lastHeartbeatTime: condition["lastHeartbeatTime"]?.string,
                lastTransitionTime: condition["lastTransitionTime"]?.string
            )
        }
        return Dictionary(all.map { ($0.type, $0) }) { first, _ in first }
    }

    /// Applies labels as another field manager does, with force.
    package func applyNode(labels: JSON, fieldManager: String) async throws {
        let body: JSON = [
            "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(Self.nodeName), "labels": labels],
        ]
        let answer = await server.respond(
            to: APIRequest(
                method: "PATCH",
                target: "/api/v1/nodes/\(Self.nodeName)?fieldManager=\(fieldManager)&force=true",
                contentType: "application/apply-patch+yaml",
                authorization: "Bearer other",
                body: try body.data()
            )
        )
        guard answer.status == 200 else { throw Unexpected(answer: answer) }
    }

    /// Gives the entries of a field manager another time, as an API server whose clock is wrong does.
    package func backdate(manager: String, to time: String) async throws {
        let key = ObjectKey(resource: "nodes", name: Self.nodeName)
        var entries = await server.store.object(key)?[path: ["metadata", "managedFields"]]?.array ?? []
        for index in entries.indices where entries[index]["manager"] == .string(manager) {
            entries[index]["time"] = .string(time)
        }
        try await changeNode(["metadata": ["managedFields": .array(entries)]])
    }

    package func deleteNode() async {
        let target = "/api/v1/nodes/\(Self.nodeName)"
        _ = await server.respond(to: APIRequest(method: "DELETE", target: target, authorization: "Bearer other"))
    }

    package struct Unexpected: Error {
        package var answer: APIAnswer
    }
}

/// The error that an operation fails with; nil when it does not fail.
package func failure(_ operation: () async throws(KubernetesError) -> Void) async -> KubernetesError? {
    do throws(KubernetesError) {
        try await operation()
        return nil
    } catch {
        return error
    }
}
