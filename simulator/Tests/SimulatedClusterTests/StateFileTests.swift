import FoundationEssentials
import SimulatedCluster
import TestSupport
import Testing

/// A server that keeps its objects in a file.
@Suite struct StateFileTests {
    @Test func aSecondServerContinuesWithTheObjectsOfTheFirst() async throws {
        let directory = try TemporaryDirectory()
        let first = try server()
        try await first.store.keep(in: directory.path("state.json"))
        try await first.seed(node: ["metadata": ["name": "gpu-1", "labels": ["team": "ml"]]])
        _ = await first.respond(
            to: APIRequest(
                method: "PATCH",
                target: "/api/v1/nodes/gpu-1?fieldManager=gpu-agent",
                contentType: "application/apply-patch+yaml",
                authorization: "Bearer admin",
                body: try applied.data()
            )
        )
        let (before, version) = await first.store.list("nodes", namespace: nil)
        let second = try server()
        try await second.store.keep(in: directory.path("state.json"))
        #expect(before[0][path: ["metadata", "labels", "verdict"]] == "ready")
        // The managed fields are part of the object.
        #expect(await second.store.list("nodes", namespace: nil) == (before, version))
    }

    @Test func aDamagedFileIsNotReplaced() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("state.json", "{}")
        await #expect(throws: SimulatedAPIServerError.self) {
            try await server().store.keep(in: directory.path("state.json"))
        }
        #expect(try String(contentsOfFile: directory.path("state.json"), encoding: .utf8) == "{}")
    }

    private let applied: JSON = [
        "apiVersion": "v1", "kind": "Node", "metadata": ["name": "gpu-1", "labels": ["verdict": "ready"]],
    ]

    private func server() throws -> SimulatedAPIServer {
        try SimulatedAPIServer(
            certificate: .init(certificateFile: "unused", privateKeyFile: "unused"),
            tokens: ["admin": User("admin", .everything)]
        )
    }
}
