import FoundationEssentials
import SimulatedCluster
import TestSupport
import Testing

/// The responses of the server to single requests that read, without a connection.
@Suite struct SimulatedAPIServerTests {
    private static let node = Exchange.node

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
            method: "GET",
            target: node,
            accept: "text/html",
            status: 406,
            message: "406: Not Acceptable"
        ),
        Exchange(method: "GET", target: node, accept: "application/json;as=Table;g=meta.k8s.io;v=v1,*/*", status: 200),
        Exchange(method: "GET", target: "/api/v1/namespaces/default/pods", status: 200),
        Exchange(
            method: "GET",
            target: "/api/v1/nodes?fieldSelector=spec.x%3D1",
            status: 400,
            message: "field label not supported"
        ),
    ]

    @Test(arguments: exchanges)
    func answers(_ exchange: Exchange) async throws { try await exchange.verify() }

    @Test func givesMetadataOnly() async throws {
        let server = try await Exchange.server()
        let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
        let (_, one) = try await Exchange(method: "GET", target: Self.node, accept: accept, status: 200).send(
            to: server
        )
        #expect(one["kind"] == "PartialObjectMetadata" && one["apiVersion"] == "meta.k8s.io/v1")
        #expect(one["status"] == nil && one[path: ["metadata", "labels", "a"]] == "1")

        let lists = accept.replacing("Metadata;", with: "MetadataList;")
        let (_, list) = try await Exchange(method: "GET", target: "/api/v1/nodes", accept: lists, status: 200).send(
            to: server
        )
        #expect(list["kind"] == "PartialObjectMetadataList")
        #expect(list["items"]?.array?.first?["kind"] == "PartialObjectMetadata")
    }

    @Test func logsEveryRequestAsALine() async throws {
        let directory = try TemporaryDirectory()
        let server = try SimulatedAPIServer(
            certificate: .init(certificateFile: "unused", privateKeyFile: "unused"),
            tokens: ["admin": User("admin", .everything)],
            requestLogFile: directory.path("log")
        )
        _ = try await Exchange(method: "GET", target: "/api/v1/nodes?limit=1", status: 200).send(to: server)
        _ = try await Exchange(method: "GET", target: "/api", token: "x", status: 401).send(to: server)
        let lines = try directory.text("log").split(separator: "\n").map { try JSON(parsing: Data($0.utf8)) }
        #expect(lines.map { $0["target"] } == ["/api/v1/nodes?limit=1", "/api"])
        #expect(lines.map { $0["user"] } == ["admin", nil])
        #expect(server.log.all.map(\.status) == [200, 401])
    }
}
