import FoundationEssentials
import Kubernetes
package import SimulatedCluster

extension TestCluster {
    /// Gives the agent further rights, which the shipped manifests do not give it.
    ///
    /// - Parameter rules: The further rules.
    /// - Throws: `YAMLFileError` when the manifest cannot be read.
    package func allow(_ rules: [Rights.Rule]) throws {
        var agent = try Self.agent()
        agent.rights.rules += rules
        server.users.set(agent, for: "agent")
    }

    /// Makes a pod on a node, which runs and is ready unless its phase is another one.
    ///
    /// - Parameters:
    ///   - name: The name of the pod, in the namespace `default`.
    ///   - node: The name of its node.
    ///   - phase: Its phase.
    ///   - spec: Further members of its specification.
    ///   - metadata: Further members of its metadata.
    /// - Returns: The UID of the pod.
    /// - Throws: `Unexpected` when the server refuses the pod.
    @discardableResult
    package func makePod(
        _ name: String,
        on node: String = nodeName,
        phase: String = "Running",
        spec: [String: JSON] = [:],
        metadata: [String: JSON] = [:]
    ) async throws -> String {
        let pods = "/api/v1/namespaces/default/pods"
        let body: JSON = [
            "metadata": .object(metadata.merging(["name": .string(name)]) { _, last in last }),
            "spec": .object(spec.merging(["nodeName": .string(node)]) { _, last in last }),
        ]
        let made = try await asOther("POST", pods, body)
        let ready: JSON = ["type": "Ready", "status": phase == "Running" ? "True" : "False"]
        let status: JSON = ["status": ["phase": .string(phase), "conditions": [ready]]]
        try await asOther("PATCH", "\(pods)/\(name)/status", status)
        return made[path: ["metadata", "uid"]]?.string ?? ""
    }

    /// Makes a budget of the pods with a label.
    package func makeBudget(_ name: String, of labels: [String: String], keeping count: Int) async throws {
        let spec: JSON = ["minAvailable": .int(count), "selector": ["matchLabels": JSON(labels)]]
        let body: JSON = ["metadata": ["name": .string(name)], "spec": spec]
        try await asOther("POST", "/apis/policy/v1/namespaces/default/poddisruptionbudgets", body)
    }

    /// Ends a pod, as the kubelet does after the grace period.
    package func endPod(_ name: String) async throws {
        try await asOther("DELETE", "/api/v1/namespaces/default/pods/\(name)", nil)
    }

    @discardableResult
    private func asOther(_ method: String, _ target: String, _ body: JSON?) async throws -> JSON {
        let type = method == "PATCH" ? "application/merge-patch+json" : "application/json"
        let request = APIRequest(
            method: method,
            target: target,
            contentType: type,
            authorization: "Bearer other",
            body: try body?.data() ?? .init()
        )
        let answer = await server.respond(to: request)
        guard answer.status < 300, case .json(let json) = answer.body else { throw Unexpected(answer: answer) }
        return json
    }
}
