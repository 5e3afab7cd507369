import FoundationEssentials
import SimulatedCluster
import TestSupport
import Testing

/// What single requests change in the store of the server, without a connection.
@Suite struct SimulatedStoreTests {
    private static let (node, merge, apply) = (Exchange.node, Exchange.merge, Exchange.apply)
    private static let applied = Exchange.applied

    static let exchanges: [Exchange] = [
        Exchange(
            method: "PUT",
            target: node + "/status",
            type: "application/json",
            body: [:],
            token: "agent",
            status: 403,
            message: "nodes \"gpu-1\" is forbidden: User \"agent\" cannot update resource \"nodes/status\""
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
            method: "POST",
            target: "/apis/events.k8s.io/v1/namespaces/default/events",
            type: "application/json",
            body: [:],
            token: "agent",
            status: 403,
            message: "events.events.k8s.io is forbidden: User \"agent\" cannot create resource \"events\" in API group "
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
    ]

    @Test(arguments: exchanges)
    func answers(_ exchange: Exchange) async throws { try await exchange.verify() }

    @Test func aWriteThatChangesNothingMakesNoVersion() async throws {
        let server = try await Exchange.server()
        let before = await server.store.currentVersion
        let patch: JSON = ["metadata": ["labels": ["a": "1"]]]
        _ = try await Exchange(method: "PATCH", target: Self.node, type: Self.merge, body: patch, status: 200).send(
            to: server
        )
        #expect(await server.store.currentVersion == before)
        let dry = Self.node + "?dryRun=All"
        let other: JSON = ["metadata": ["labels": ["a": "2"]]]
        let (_, shown) = try await Exchange(method: "PATCH", target: dry, type: Self.merge, body: other, status: 200)
            .send(to: server)
        #expect(shown[path: ["metadata", "labels", "a"]] == "2")
        #expect(await server.store.currentVersion == before)
    }

    @Test func theStatusIsBehindItsSubresource() async throws {
        let server = try await Exchange.server()
        let patch: JSON = ["status": ["phase": "y"], "spec": ["unschedulable": true]]
        var exchange = Exchange(method: "PATCH", target: Self.node, type: Self.merge, body: patch, status: 200)
        let (_, main) = try await exchange.send(to: server)
        #expect(main[path: ["status", "phase"]] == "x" && main[path: ["spec", "unschedulable"]] == true)
        exchange.target += "/status"
        exchange.body?["spec"] = ["unschedulable": false]
        let (_, status) = try await exchange.send(to: server)
        #expect(status[path: ["status", "phase"]] == "y" && status[path: ["spec", "unschedulable"]] == true)
        let table = ManagedFieldsTable(of: status)
        let owner = ManagedFieldsEntry.Owner(manager: "tester", operation: "Update", subresource: "status")
        #expect(table[owner].contains(["f:status", "f:phase"]))
    }

    @Test func generatesANameAndDefaultsTheManager() async throws {
        let server = try await Exchange.server()
        let event: JSON = [
            "metadata": ["generateName": "gpu-1."], "involvedObject": ["kind": "Node", "name": "gpu-1"],
        ]
        let target = "/api/v1/namespaces/default/events"
        let (status, json) = try await Exchange(
            method: "POST",
            target: target,
            type: "application/json",
            body: event,
            status: 201
        ).send(to: server)
        #expect(status == 201)
        #expect(json[path: ["metadata", "name"]]?.string?.hasPrefix("gpu-1.") == true)
        #expect(json[path: ["metadata", "creationTimestamp"]] == "2027-01-15T08:00:00Z")
        #expect(ManagedFieldsTable(of: json).entries.map(\.owner.manager) == ["tester"])
    }
}
