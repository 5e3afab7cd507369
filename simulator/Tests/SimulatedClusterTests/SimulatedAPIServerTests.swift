import FoundationEssentials
import SimulatedCluster
import TestSupport
import Testing

/// The responses of the server to single requests, without a connection.
@Suite struct SimulatedAPIServerTests {
    struct Exchange: Sendable, CustomTestStringConvertible {
        var method: String
        var target: String
        var type: String?
        var accept: String?
        var body: JSON?
        var token: String? = "admin"
        var status: Int
        /// The beginning of the message of a failed request.
        var message = ""

        var testDescription: String { "\(method) \(target) \(type ?? "") \(token ?? "-") → \(status)" }
    }

    private func server() async throws -> SimulatedAPIServer {
        let server = try SimulatedAPIServer(
            certificate: .init(certificateFile: "unused", privateKeyFile: "unused"),
            tokens: [
                "admin": User("admin", .everything),
                "agent": User(
                    "agent",
                    try Rights(
                        rbac: fixture("../../../daemonset/base/rbac.yaml"),
                        account: "gpu-agent",
                        in: "gpu-agent"
                    )
                ),
            ],
            now: { Date(timeIntervalSince1970: 1_800_000_000) }
        )
        try await server.seed(node: [
            "metadata": ["name": "gpu-1", "uid": "uid-1", "labels": ["a": "1"]], "status": ["phase": "x"],
        ])
        return server
    }

    private func send(_ server: SimulatedAPIServer, _ exchange: Exchange) async throws -> (Int, JSON) {
        let answer = await server.respond(
            to: APIRequest(
                method: exchange.method,
                target: exchange.target,
                accept: exchange.accept,
                contentType: exchange.type,
                userAgent: "tester/1.0 (linux)",
                authorization: exchange.token.map { "Bearer \($0)" },
                body: try exchange.body?.data() ?? Data()
            )
        )
        guard case .json(let json) = answer.body else { return (answer.status, [:]) }
        return (answer.status, json)
    }

    private static let node = "/api/v1/nodes/gpu-1"
    private static let merge = "application/merge-patch+json"
    private static let apply = "application/apply-patch+yaml"
    private static let applied: JSON = ["apiVersion": "v1", "kind": "Node", "metadata": ["name": "gpu-1"]]

    static let exchanges: [Exchange] = [
        Exchange(method: "GET", target: node, status: 200),
        Exchange(
            method: "GET",
            target: node,
            token: nil,
            status: 403,
            message: "nodes \"gpu-1\" is forbidden: User \"system:anonymous\""
        ),
        Exchange(method: "GET", target: node, token: "wrong", status: 401, message: "Unauthorized"),
        Exchange(method: "GET", target: node, token: "agent", status: 200),
        Exchange(
            method: "GET",
            target: "/api/v1/nodes/gpu-2",
            token: "agent",
            status: 404,
            message: "nodes \"gpu-2\" not found"
        ),
        Exchange(
            method: "GET",
            target: "/api/v1/nodes",
            token: "agent",
            status: 403,
            message:
                "nodes is forbidden: User \"agent\" cannot list resource \"nodes\" in API group \"\" at the "
        ),
        Exchange(
            method: "GET",
            target: "/api/v1/nodes?fieldSelector=metadata.name%3Dgpu-1",
            token: "agent",
            status: 403,
            message:
                "nodes \"gpu-1\" is forbidden: User \"agent\" cannot list resource \"nodes\" in API group \"\" at the "
        ),
        Exchange(
            method: "PATCH",
            target: node + "/status",
            type: merge,
            body: [:],
            token: "agent",
            status: 403,
            message: "nodes \"gpu-1\" is forbidden: User \"agent\" cannot patch resource \"nodes/status\""
        ),
        Exchange(
            method: "GET",
            target: "/api/v1/namespaces/kube-system/events",
            token: "agent",
            status: 403,
            message:
                "events is forbidden: User \"agent\" cannot list resource \"events\" in API group \"\" in the namespace "
                + "\"kube-system\""
        ),
        Exchange(method: "GET", target: "/api/v1/nodes/nope", status: 404, message: "nodes \"nope\" not found"),
        Exchange(
            method: "GET",
            target: "/api/v1/gizmos",
            status: 404,
            message: "the server could not find the requested"
        ),
        Exchange(
            method: "GET",
            target: node + "/scale",
            status: 404,
            message: "the server could not find the requested"
        ),
        Exchange(
            method: "POST",
            target: node,
            type: "application/json",
            body: [:],
            status: 405,
            message: "the server does not"
        ),
        Exchange(
            method: "PATCH",
            target: "/api/v1/nodes",
            type: merge,
            body: [:],
            status: 405,
            message: "the server does not"
        ),
        Exchange(
            method: "GET",
            target: node,
            accept: "text/html",
            status: 406,
            message: "406: Not Acceptable"
        ),
        Exchange(method: "GET", target: node, accept: "application/json;as=Table;g=meta.k8s.io;v=v1,*/*", status: 200),
        Exchange(
            method: "POST",
            target: "/apis/events.k8s.io/v1/namespaces/default/events",
            type: "application/json",
            body: [:],
            token: "agent",
            status: 403,
            message: "events is forbidden: User \"agent\" cannot create resource \"events\" in API group "
                + "\"events.k8s.io\" in the namespace \"default\""
        ),
        Exchange(
            method: "PATCH",
            target: node,
            type: "application/json",
            body: [:],
            status: 415,
            message: "415: Unsupported Media Type"
        ),
        Exchange(
            method: "POST",
            target: "/api/v1/nodes",
            type: "text/plain",
            body: [:],
            status: 415,
            message: "415: Unsupported Media Type"
        ),
        Exchange(
            method: "PATCH",
            target: node,
            type: merge,
            body: nil,
            status: 400,
            message: "error decoding the body"
        ),
        Exchange(
            method: "PATCH",
            target: node,
            type: merge,
            body: ["metadata": ["name": "other"]],
            status: 400,
            message: "the name of the object (other) does not match the name on the URL (gpu-1)"
        ),
        Exchange(
            method: "PATCH",
            target: node,
            type: merge,
            body: ["metadata": ["resourceVersion": "1"]],
            status: 409,
            message:
                "Operation cannot be fulfilled on nodes \"gpu-1\": the object has been modified; please apply your "
                + "changes to the latest version and try again"
        ),
        Exchange(
            method: "PATCH",
            target: node,
            type: merge,
            body: ["metadata": ["labels": ["a": "b c"]]],
            status: 422,
            message: "Node \"gpu-1\" is invalid: metadata.labels: Invalid value: \"b c\": a valid label must be"
        ),
        Exchange(
            method: "PATCH",
            target: node,
            type: merge,
            body: ["metadata": ["labels": ["a": 1]]],
            status: 422,
            message: " \"\" is invalid: patch: Invalid value: \"{"
        ),
        Exchange(
            method: "PATCH",
            target: node + "?fieldValidation=Strict",
            type: merge,
            body: ["spec": ["color": "red"]],
            status: 422,
            message: " \"\" is invalid: patch: Invalid value: \"{"
        ),
        Exchange(
            method: "PATCH",
            target: node,
            type: apply,
            body: applied,
            status: 422,
            message:
                "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
        ),
        Exchange(
            method: "PATCH",
            target: node + "?force=true",
            type: merge,
            body: [:],
            status: 422,
            message:
                "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch"
        ),
        Exchange(
            method: "PATCH",
            target: node + "?fieldManager=m",
            type: apply,
            body: ["apiVersion": "v1", "kind": "Node", "metadata": ["name": "gpu-1", "managedFields": [[:]]]],
            status: 400,
            message: "metadata.managedFields must be nil"
        ),
        Exchange(
            method: "PATCH",
            target: node + "?fieldManager=m",
            type: apply,
            body: ["apiVersion": "v1", "kind": "Node", "metadata": ["name": "gpu-1"], "spec": ["color": "red"]],
            status: 500,
            message:
                "failed to create typed patch object (/gpu-1; /v1, Kind=Node): .spec.color: field not declared in schema"
        ),
        Exchange(
            method: "PATCH",
            target: node + "?fieldManager=m",
            type: apply,
            body: ["apiVersion": "v1", "kind": "Node", "metadata": ["name": "gpu-1", "uid": "uid-2"]],
            status: 422,
            message: "Node \"gpu-1\" is invalid: metadata.uid: Invalid value: \"uid-2\": field is immutable"
        ),
        Exchange(
            method: "PATCH",
            target: "/api/v1/nodes/gpu-2?fieldManager=m",
            type: apply,
            body: ["apiVersion": "v1", "kind": "Node", "metadata": ["name": "gpu-2"]],
            status: 201
        ),
        Exchange(
            method: "POST",
            target: "/api/v1/nodes",
            type: "application/json",
            body: ["metadata": ["name": "gpu-1"]],
            status: 409,
            message: "nodes \"gpu-1\" already exists"
        ),
        Exchange(
            method: "POST",
            target: "/api/v1/nodes",
            type: "application/json",
            body: ["metadata": ["name": "GPU"]],
            status: 422,
            message: "Node \"GPU\" is invalid: metadata.name: Invalid value: \"GPU\": a lowercase RFC 1123"
        ),
        Exchange(method: "DELETE", target: node, status: 200),
        Exchange(
            method: "DELETE",
            target: node,
            body: ["preconditions": ["uid": "x"]],
            status: 409,
            message: "Operation cannot"
        ),
        Exchange(method: "GET", target: "/api/v1/namespaces/default/pods", status: 200),
        Exchange(
            method: "GET",
            target: "/api/v1/nodes?fieldSelector=spec.x%3D1",
            status: 400,
            message: "field label not supported"
        ),
    ]

    @Test(arguments: exchanges)
    func answers(_ exchange: Exchange) async throws {
        let server = try await server()
        let (status, json) = try await send(server, exchange)
        #expect(status == exchange.status, "\(json["message"]?.string ?? "")")
        guard exchange.status >= 300 else { return }
        #expect(json["kind"] == "Status" && json["code"] == .int(status))
        #expect(json["message"]?.string?.hasPrefix(exchange.message) == true, "\(json["message"]?.string ?? "")")
    }

    @Test func givesMetadataOnly() async throws {
        let server = try await server()
        let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
        let (_, one) = try await send(server, Exchange(method: "GET", target: Self.node, accept: accept, status: 200))
        #expect(one["kind"] == "PartialObjectMetadata" && one["apiVersion"] == "meta.k8s.io/v1")
        #expect(one["status"] == nil && one[path: ["metadata", "labels", "a"]] == "1")

        let lists = accept.replacing("Metadata;", with: "MetadataList;")
        let (_, list) = try await send(
            server,
            Exchange(method: "GET", target: "/api/v1/nodes", accept: lists, status: 200)
        )
        #expect(list["kind"] == "PartialObjectMetadataList")
        #expect(list["items"]?.array?.first?["kind"] == "PartialObjectMetadata")
    }

    @Test func aWriteThatChangesNothingMakesNoVersion() async throws {
        let server = try await server()
        let before = await server.store.currentVersion
        let patch: JSON = ["metadata": ["labels": ["a": "1"]]]
        _ = try await send(
            server,
            Exchange(method: "PATCH", target: Self.node, type: Self.merge, body: patch, status: 200)
        )
        #expect(await server.store.currentVersion == before)
        let dry = Self.node + "?dryRun=All"
        let other: JSON = ["metadata": ["labels": ["a": "2"]]]
        let (_, shown) = try await send(
            server,
            Exchange(method: "PATCH", target: dry, type: Self.merge, body: other, status: 200)
        )
        #expect(shown[path: ["metadata", "labels", "a"]] == "2")
        #expect(await server.store.currentVersion == before)
    }

    @Test func theStatusIsBehindItsSubresource() async throws {
        let server = try await server()
        let patch: JSON = ["status": ["phase": "y"], "spec": ["unschedulable": true]]
        var exchange = Exchange(method: "PATCH", target: Self.node, type: Self.merge, body: patch, status: 200)
        let (_, main) = try await send(server, exchange)
        #expect(main[path: ["status", "phase"]] == "x" && main[path: ["spec", "unschedulable"]] == true)
        exchange.target += "/status"
        exchange.body?["spec"] = ["unschedulable": false]
        let (_, status) = try await send(server, exchange)
        #expect(status[path: ["status", "phase"]] == "y" && status[path: ["spec", "unschedulable"]] == true)
        let table = ManagedFieldsTable(of: status)
        let owner = ManagedFieldsEntry.Owner(manager: "tester", operation: "Update", subresource: "status")
        #expect(table[owner].contains(["f:status", "f:phase"]))
    }

    @Test func generatesANameAndDefaultsTheManager() async throws {
        let server = try await server()
        let event: JSON = [
            "metadata": ["generateName": "gpu-1."], "involvedObject": ["kind": "Node", "name": "gpu-1"],
        ]
        let target = "/api/v1/namespaces/default/events"
        let (status, json) = try await send(
            server,
            Exchange(method: "POST", target: target, type: "application/json", body: event, status: 201)
        )
        #expect(status == 201)
        #expect(json[path: ["metadata", "name"]]?.string?.hasPrefix("gpu-1.") == true)
        #expect(json[path: ["metadata", "creationTimestamp"]] == "2027-01-15T08:00:00Z")
        #expect(ManagedFieldsTable(of: json).entries.map(\.owner.manager) == ["tester"])
    }

    @Test func logsEveryRequestAsALine() async throws {
        let directory = try TemporaryDirectory()
        let server = try SimulatedAPIServer(
            certificate: .init(certificateFile: "unused", privateKeyFile: "unused"),
            tokens: ["admin": User("admin", .everything)],
            requestLogFile: directory.path("log")
        )
        _ = try await send(server, Exchange(method: "GET", target: "/api/v1/nodes?limit=1", status: 200))
        _ = try await send(server, Exchange(method: "GET", target: "/api", token: "x", status: 401))
        let lines = try directory.text("log").split(separator: "\n").map { try JSON(parsing: Data($0.utf8)) }
        #expect(lines.map { $0["target"] } == ["/api/v1/nodes?limit=1", "/api"])
        #expect(lines.map { $0["user"] } == ["admin", nil])
        #expect(server.log.all.map(\.status) == [200, 401])
    }
}
