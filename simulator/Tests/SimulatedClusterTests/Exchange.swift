import FoundationEssentials
import SimulatedCluster
import TestSupport
import Testing

/// A request to a server without a connection, and the response that the test expects.
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

extension Exchange {
    static let node = "/api/v1/nodes/gpu-1"
    static let merge = "application/merge-patch+json"
    static let apply = "application/apply-patch+yaml"
    static let applied: JSON = ["apiVersion": "v1", "kind": "Node", "metadata": ["name": "gpu-1"]]

    /// A server with one Node, and two users.
    static func server() async throws -> SimulatedAPIServer {
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

    /// Sends the request, and returns the status and the object of the response.
    func send(to server: SimulatedAPIServer) async throws -> (Int, JSON) {
        let answer = await server.respond(
            to: APIRequest(
                method: method,
                target: target,
                accept: accept,
                contentType: type,
                userAgent: "tester/1.0 (linux)",
                authorization: token.map { "Bearer \($0)" },
                body: try body?.data() ?? Data()
            )
        )
        guard case .json(let json) = answer.body else { return (answer.status, [:]) }
        return (answer.status, json)
    }

    /// Sends the request to a new server, and compares the response.
    func verify() async throws {
        let (status, json) = try await send(to: Self.server())
        #expect(status == self.status, "\(json["message"]?.string ?? "")")
        guard self.status >= 300 else { return }
        #expect(json["kind"] == "Status" && json["code"] == .int(status))
        #expect(json["message"]?.string?.hasPrefix(message) == true, "\(json["message"]?.string ?? "")")
    }
}
