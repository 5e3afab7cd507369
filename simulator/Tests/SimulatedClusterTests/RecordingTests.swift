import FoundationEssentials
import SimulatedCluster
import TestSupport
import Testing

/// Requests that a real API server answered, sent to the simulated one in the same order.
///
/// The fixture has the answers of kube-apiserver 1.36.2.
@Suite struct RecordingTests {
    /// The answers that differ on purpose, with the reason.
    private static let known: [String: String] = [
        "98 status: agent without right to status": "The agent has this right now.",
        "136 events: events.k8s.io create": noNewEvents,
        "137 events: events.k8s.io without eventTime": noNewEvents,
    ]

    private static let noNewEvents = """
        The server has no group events.k8s.io. It is a second view of the events of the core group, and needs a \
        conversion in both directions. The rights of the agent name the core group only, so a request of the agent \
        to this group gets 403 from both servers.
        """

    private func server(admission: AdmissionEvaluator? = nil) throws -> SimulatedAPIServer {
        let rights = try Rights(
            rbac: fixture("../../../daemonset/base/rbac.yaml"),
            account: "gpu-agent",
            in: "gpu-agent"
        )
        return try SimulatedAPIServer(
            certificate: .init(certificateFile: "unused", privateKeyFile: "unused"),
            tokens: [
                "admin": User("admin", .everything),
                "agent": .serviceAccount("gpu-agent", in: "gpu-agent", node: "node-b", rights),
            ],
            admission: admission,
            now: { Date(timeIntervalSince1970: 1_800_000_000) }
        )
    }

    @Test func answersLikeTheRealServer() async throws {
        let server = try server()
        var versions: [String: String] = [:]
        var differences: [String: String] = [:]
        for recording in try Recording.all() where !recording.group.hasPrefix("admission") {
            let answer = await server.respond(to: try await recording.request(server, &versions))
            try await actAsOthers(after: recording.name, on: server)
            if let difference = await recording.difference(answer) { differences[recording.title] = difference }
        }
        for (title, difference) in differences.sorted(by: { $0.key < $1.key }) where Self.known[title] == nil {
            Issue.record("\(title)\n\(difference)")
        }
        #expect(differences.count <= Self.known.count)
        for title in Self.known.keys.sorted() where differences[title] == nil {
            Issue.record("'\(title)' does not differ any more: remove it from the list")
        }
    }

    /// The policy as it is now, and the mistake of the first version, which denied every write.
    @Test(arguments: ["admission: corrected", "admission: as shipped"])
    func aPolicyDeniesLikeTheRealServer(_ group: String) async throws {
        let directory = try TemporaryDirectory()
        var policy = try String(contentsOfFile: fixture("../../../daemonset/admission/policy.yaml"), encoding: .utf8)
        if group == "admission: as shipped" {
            let check = "- expression: request.operation == 'UPDATE'\n"
            try #require(policy.contains(check))
            policy = policy.replacing(check, with: check.dropLast() + " && request.subResource == ''\n")
        }
        try directory.write("policy.yaml", policy)
        let server = try server(admission: try await evaluator(of: directory.path("policy.yaml")))
        let recordings = try Recording.all().filter { $0.group == group }
        #expect(!recordings.isEmpty)
        for name in ["node-a", "node-b"] {
            try await server.seed(node: ["metadata": ["name": .string(name), "labels": ["kubernetes.io/os": "linux"]]])
        }
        var versions: [String: String] = [:]
        for recording in recordings {
            let answer = await server.respond(to: try await recording.request(server, &versions))
            #expect(answer.status == recording.status, "\(recording.title): \(Recording.text(answer.body))")
            if recording.status >= 400, let difference = await recording.difference(answer) {
                Issue.record("\(recording.title)\n\(difference)")
            }
        }
    }

    private func evaluator(of policy: String) async throws -> AdmissionEvaluator {
        let python: String
        do { python = try await PythonPackages.python } catch let error as PythonPackages.Missing {
            try Test.cancel("\(error)")
        }
        return AdmissionEvaluator(command: [python, fixture("../../bin/admission-evaluator"), policy])
    }

    /// Changes objects as the controllers and the kubelet of the real cluster did between the requests.
    private func actAsOthers(after name: String, on server: SimulatedAPIServer) async throws {
        let change: (manager: String, patch: JSON)
        var targets = ["nodes/node-a"]
        switch name {
        case "create node":
            let taints: JSON = [
                ["key": "gpu-agent.dev/not-ready", "effect": "NoSchedule"],
                ["key": "sku", "value": "gpu", "effect": "NoSchedule"],
            ]
            let annotations: JSON = ["node.alpha.kubernetes.io/ttl": "0"]
            let patch: JSON = ["metadata": ["annotations": annotations], "spec": ["taints": taints]]
            change = ("kube-controller-manager", patch)
        case "watch from last rv, bookmarks":
            change = ("kube-controller-manager", ["metadata": ["annotations": ["seen": "1"]]])
        case "A: uninstall as docs say: apply no labels":
            let ready: JSON = ["type": "Ready", "status": "Unknown", "reason": "NodeStatusNeverUpdated"]
            change = ("kube-controller-manager", ["status": ["conditions": [ready]]])
            targets = ["nodes/node-a/status"]
        case "budget":
            let ready: JSON = ["type": "Ready", "status": "True"]
            change = ("kubelet", ["status": ["phase": "Running", "conditions": [ready]]])
            targets = ["gpu-pod-1", "gpu-pod-2"].map { "namespaces/default/pods/\($0)/status" }
        default: return
        }
        for target in targets {
            let answer = await server.respond(
                to: APIRequest(
                    method: "PATCH",
                    target: "/api/v1/\(target)?fieldManager=\(change.manager)",
                    contentType: "application/merge-patch+json",
                    authorization: "Bearer admin",
                    body: try change.patch.data()
                )
            )
            #expect(answer.status == 200)
        }
    }
}
