import FoundationEssentials
import Testing

@testable import Kubernetes

@Suite struct ObjectMetadataTests {
    private let text = """
        {"name": "n", "uid": "u", "resourceVersion": "17",
         "labels": {"a": "1", "b": "2"},
         "managedFields": [
           {"manager": "gpu-agent", "operation": "Apply", "apiVersion": "v1", "time": "2026-01-02T03:04:05Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:taints": {}}}},
           {"manager": "gpu-agent", "operation": "Update", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:b": {}}, "f:annotations": {"f:c": {}}}}},
           {"manager": "kubelet", "operation": "Update", "subresource": "status", "time": "2026-01-02T00:00:00Z",
            "fieldsV1": {"f:status": {"f:conditions": {"k:{\\"type\\":\\"Ready\\"}": {"f:status": {}}}}}}
         ]}
        """

    private func decoded() throws -> ObjectMetadata {
        try JSONDecoder().decode(ObjectMetadata.self, from: Data(text.utf8))
    }

    @Test func tellsWhichLabelsAManagerOwns() throws {
        let metadata = try decoded()
        #expect(metadata.labelKeys(ownedBy: "gpu-agent") == ["a", "b"])
        #expect(metadata.labelKeys(ownedBy: "gpu-agent", operation: .apply) == ["a"])
        #expect(metadata.labelKeys(ownedBy: "kubelet").isEmpty)
        #expect(metadata.annotationKeys(ownedBy: "gpu-agent") == ["c"])
        #expect(metadata.annotationKeys(ownedBy: "gpu-agent", operation: .apply).isEmpty)
    }

    @Test func tellsWhoOwnsTheTaints() throws {
        let time = try Date("2026-01-02T03:04:05Z", strategy: .iso8601)
        #expect(try decoded().taintOwners == [FieldOwner(manager: "gpu-agent", operation: .apply, since: time)])
    }

    @Test func tellsWhoOwnsAnElementOfAList() throws {
        let owners = try decoded().owners(of: ["status", "conditions"])
        #expect(owners.map(\.manager) == ["kubelet"])
        #expect(owners.first?.subresource == "status")
    }

    @Test func anObjectWithoutDetailsIsRead() throws {
        let metadata = try JSONDecoder().decode(ObjectMetadata.self, from: Data(#"{"name":"n"}"#.utf8))
        #expect(metadata == ObjectMetadata(name: "n"))
    }

    struct StatusCase: Sendable {
        var status: Int
        var retryAfter: String?
        var body: String
        var description: String
    }

    @Test(arguments: [
        StatusCase(
            status: 502,
            body: "<html>\nbad gateway",
            description: "the API server answered with status 502: <html>"
        ),
        StatusCase(status: 500, body: "", description: "the API server answered with status 500: no message"),
        StatusCase(
            status: 429,
            retryAfter: "5",
            body: "x",
            description: "the API server is busy and asks for a retry after 5.0 seconds"
        ),
        StatusCase(
            status: 429,
            retryAfter: "Wed, 21 Oct 2026 07:28:00 GMT",
            body: #"{"kind":"Status","details":{"retryAfterSeconds":2}}"#,
            description: "the API server is busy and asks for a retry after 2.0 seconds"
        ),
        StatusCase(status: 429, body: "{}", description: "the API server is busy"),
        StatusCase(
            status: 429,
            retryAfter: "9223372036854775807",
            body: "{}",
            description: "the API server is busy and asks for a retry after 86400.0 seconds"
        ),
        StatusCase(
            status: 429,
            body: #"{"kind":"Status","details":{"retryAfterSeconds":9223372036854775807}}"#,
            description: "the API server is busy and asks for a retry after 86400.0 seconds"
        ),
        StatusCase(
            status: 403,
            body: #"{"kind":"Status","message":"denied\r\n2026-11-27T00:00:00Z notice forged\u001b[2J"}"#,
            description: "denied  2026-11-27T00:00:00Z notice forged\u{fffd}[2J"
        ),
        StatusCase(
            status: 422,
            body: #"{"kind":"Status","message":""# + String(repeating: "x", count: 100_000) + #""}"#,
            description: String(repeating: "x", count: 984) + "… (99016 more bytes)"
        ),
        StatusCase(
            status: 404,
            body: #"{"kind":"Status","message":"nodes \"x\" not found"}"#,
            description: "nodes \"x\" not found"
        ),
        StatusCase(
            status: 409,
            body: #"{"kind":"Status","reason":"AlreadyExists","message":"there already"}"#,
            description: "there already"
        ),
    ])
    func describesAFailedAnswer(_ test: StatusCase) {
        let error = KubernetesError(
            status: test.status,
            retryAfter: test.retryAfter,
            body: Data(test.body.utf8),
            subject: "GET x"
        )
        #expect(error.description == test.description)
    }
}
