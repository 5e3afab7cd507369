import FoundationEssentials
import SimulatedCluster
import TestSupport
import Testing

/// Requests that a real API server answered, sent to the simulated one in the same order.
///
/// The fixture has the answers of kube-apiserver 1.36.2. The controllers of the real cluster changed the Node too, so
/// the comparison of a success is limited to the labels, the conditions of the requests and their field managers.
@Suite struct RecordingTests {
    /// The answers that differ on purpose, with the reason.
    private static let known: [String: String] = [
        "98 status: agent without right to status": "The agent has this right now.",
        "101 events: events.k8s.io create": noNewEvents,
        "102 events: events.k8s.io without eventTime": noNewEvents,
    ]

    private static let noNewEvents = """
        The server has no group events.k8s.io. It is a second view of the events of the core group, and needs a \
        conversion in both directions. The rights of the agent name the core group only, so a request of the agent \
        to this group gets 403 from both servers.
        """

    private struct Recording {
        var number: Int
        var group: String
        var name: String
        var user: String
        var request: JSON
        var status: Int
        var answer: JSON

        var title: String { "\(number) \(group): \(name)" }
    }

    private func recordings() throws -> [Recording] {
        let bytes = try Data(contentsOf: URL(filePath: fixture("Fixtures/api-recordings.json")))
        let list = try JSON(parsing: bytes)["recordings"]?.array ?? []
        return list.enumerated().map { number, json in
            Recording(
                number: number,
                group: json["group"]?.string ?? "",
                name: json["name"]?.string ?? "",
                user: json["as"]?.string ?? "",
                request: json["request"] ?? [:],
                status: json[path: ["response", "status"]]?.int ?? 0,
                answer: json[path: ["response", "body"]] ?? .null
            )
        }
    }

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
        for recording in try recordings() where !recording.group.hasPrefix("admission") {
            let answer = await server.respond(to: try await request(recording, server, &versions))
            try await actAsOthers(after: recording.name, on: server)
            let difference = difference(answer, recording)
            if let difference { differences[recording.title] = difference }
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
        let recordings = try recordings().filter { $0.group == group }
        #expect(!recordings.isEmpty)
        for name in ["node-a", "node-b"] {
            try await server.seed(node: ["metadata": ["name": .string(name), "labels": ["kubernetes.io/os": "linux"]]])
        }
        var versions: [String: String] = [:]
        for recording in recordings {
            let answer = await server.respond(to: try await request(recording, server, &versions))
            #expect(answer.status == recording.status, "\(recording.title): \(text(answer.body))")
            if recording.status >= 400, let difference = difference(answer, recording) {
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

    /// Changes the Node as the controllers and the kubelet of the real cluster did between the requests.
    private func actAsOthers(after name: String, on server: SimulatedAPIServer) async throws {
        let change: (manager: String, patch: JSON)
        var subresource = ""
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
            subresource = "/status"
        default: return
        }
        let answer = await server.respond(
            to: APIRequest(
                method: "PATCH",
                target: "/api/v1/nodes/node-a\(subresource)?fieldManager=\(change.manager)",
                contentType: "application/merge-patch+json",
                authorization: "Bearer admin",
                body: try change.patch.data()
            )
        )
        #expect(answer.status == 200)
    }

    /// The request with the placeholders replaced by the values of this server.
    private func request(
        _ recording: Recording,
        _ server: SimulatedAPIServer,
        _ versions: inout [String: String]
    ) async throws -> APIRequest {
        let node = await server.store.object(ObjectKey(resource: "nodes", name: "node-a"))
        let uid = node?[path: ["metadata", "uid"]]?.string ?? "none"
        let current = node?[path: ["metadata", "resourceVersion"]]?.string ?? "0"
        let stale = ["stale", "PUT"].contains { recording.name.contains($0) }
        var target = recording.request["path"]?.string ?? ""
        var body = ""
        switch recording.request["body"] {
        case .some(.string(let text)): body = text
        case .some(.null), .none: break
        case .some(let json): body = String(decoding: try json.data(), as: UTF8.self)
        }
        body = body.replacing("<uid>", with: uid).replacing("<uuid>", with: "11111111-1111-1111-1111-111111111111")
            .replacing("\"<rv>\"", with: "\"\(stale ? "1" : current)\"")
        body = body.replacing("<time>", with: "2026-11-27T00:00:00.000000Z")
        // The recordings name the versions of the real server; the first use means the current one.
        for version in ["3952", "3961"] {
            guard body.contains("\"\(version)\"") || target.contains("=\(version)&") else { continue }
            let mapped = versions[version] ?? current
            versions[version] = mapped
            body = body.replacing("\"\(version)\"", with: "\"\(mapped)\"")
            target = target.replacing("=\(version)&", with: "=\(mapped)&")
        }
        return APIRequest(
            method: recording.request["method"]?.string ?? "",
            target: target,
            accept: recording.request["accept"]?.string,
            contentType: recording.request["contentType"]?.string,
            userAgent: "recorder/1.0",
            authorization: recording.user == "anonymous" ? nil : "Bearer \(recording.user)",
            body: Data(body.utf8)
        )
    }

    private func difference(_ answer: APIAnswer, _ recording: Recording) -> String? {
        guard answer.status == recording.status else {
            return "status \(answer.status), recorded \(recording.status): \(text(answer.body).prefix(300))"
        }
        guard case .json(let json) = answer.body else { return nil }
        if recording.status >= 400 {
            for member in ["message", "reason", "details"] {
                let (found, expected) = (
                    normal(Self.ordered(json)[member]), normal(Self.ordered(recording.answer)[member])
                )
                if found != expected { return "\(member): \(found)\nrecorded: \(expected)" }
            }
            return nil
        }
        if recording.answer["kind"] == "Table" {
            for path in [["columnDefinitions"], ["rows"]] {
                let (found, expected) = (rows(json, path), rows(recording.answer, path))
                if found != expected { return "\(path): \(found)\nrecorded: \(expected)" }
            }
        }
        if recording.answer["kind"] == "SelfSubjectAccessReview", json["status"] != recording.answer["status"] {
            return "status: \(normal(json["status"]))\nrecorded: \(normal(recording.answer["status"]))"
        }
        for path in [["kind"], ["apiVersion"], ["metadata", "labels"]] {
            let (found, expected) = (normal(json[path: path]), normal(recording.answer[path: path]))
            if found != expected { return "\(path.joined(separator: ".")): \(found)\nrecorded: \(expected)" }
        }
        let (found, expected) = (conditions(json), conditions(recording.answer))
        if found != expected { return "conditions: \(found)\nrecorded: \(expected)" }
        for manager in ["gpu-agent", "other"] {
            let (found, expected) = (owned(json, manager), owned(recording.answer, manager))
            if found != expected { return "fields of \(manager): \(found)\nrecorded: \(expected)" }
        }
        return nil
    }

    /// A failure with its problems of labels in one order, because the real server goes through a Go map.
    private static func ordered(_ failure: JSON) -> JSON {
        let causes = failure[path: ["details", "causes"]]?.array ?? []
        guard causes.count > 1, causes.allSatisfy({ $0["field"] == "metadata.labels" }),
            let message = failure["message"]?.string, let list = message.firstRange(of: "is invalid: [")
        else { return failure }
        func line(_ cause: JSON) -> String { "metadata.labels: \(cause["message"]?.string ?? "")" }
        let lines = Set(causes.map(line)).sorted()
        var ordered = failure
        ordered["details"]?["causes"] = .array(causes.sorted { line($0) < line($1) })
        let length = message[list.upperBound...].count
        let isComplete = lines.allSatisfy(message.contains) && length == lines.joined(separator: ", ").count + 1
        ordered["message"] = .string(isComplete ? message[..<list.upperBound] + lines.joined(separator: ", ") : message)
        return ordered
    }

    /// The part of a table at a path; of the rows, the cells and the labels of the objects.
    private func rows(_ table: JSON, _ path: [String]) -> String {
        guard path == ["rows"] else { return normal(table[path: path]) }
        return (table["rows"]?.array ?? []).map { row in
            "\(normal(row["cells"])) \(normal(row[path: ["object", "kind"]])) "
                + normal(row[path: ["object", "metadata", "labels"]])
        }.joined(separator: "\n")
    }

    private func owned(_ object: JSON, _ manager: String) -> String {
        let entries = object[path: ["metadata", "managedFields"]]?.array ?? []
        return entries.filter { $0["manager"]?.string == manager }.map { entry in
            let subresource = entry["subresource"]?.string ?? "-"
            return "\(entry["operation"]?.string ?? "") \(subresource) \(normal(entry["fieldsV1"]))"
        }.sorted().joined(separator: "; ")
    }

    /// The conditions of a Node, without those of the controllers.
    private func conditions(_ object: JSON) -> String {
        let all = object[path: ["status", "conditions"]]?.array ?? []
        return all.filter { ["GPUReady", "GPUHealthy", "X"].contains($0["type"]?.string ?? "") }.map { condition in
            ["type", "status", "reason", "message"].map { condition[$0]?.string ?? "" }.joined(separator: " ")
        }.sorted().joined(separator: "; ")
    }

    private func text(_ body: APIAnswer.Body) -> String {
        switch body {
        case .json(let json): normal(json)
        case .text(let text): text
        case .watch: "a watch"
        case .dropped: "dropped"
        }
    }

    private func normal(_ json: JSON?) -> String {
        guard let json, let data = try? json.data() else { return "nothing" }
        return String(decoding: data, as: UTF8.self)
            .replacing("11111111-1111-1111-1111-111111111111", with: "<uuid>")
            .replacing(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/, with: "<uid>")
            .replacing(/Invalid value: \\"\{.*\}\\":/, with: "Invalid value: <object>:")
            .replacing(/20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/, with: "<time>")
    }
}
