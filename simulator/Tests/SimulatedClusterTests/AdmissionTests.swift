import FoundationEssentials
import SimulatedCluster
import TestSupport
import Testing

/// How the server asks the evaluator of the admission policies, and what it does without an answer.
///
/// The evaluators here are shell scripts, so that these tests need no Python packages.
@Suite struct AdmissionTests {
    private static let ready = #"echo '{"ready": ["p"]}'; "#

    private func server(
        _ script: String,
        arguments: [String] = [],
        deadline: Duration = .seconds(20)
    ) async throws -> SimulatedAPIServer {
        let server = try SimulatedAPIServer(
            certificate: .init(certificateFile: "unused", privateKeyFile: "unused"),
            tokens: [
                "admin": User("admin", .everything),
                "agent": .serviceAccount("gpu-agent", in: "gpu-agent", node: "n", .everything),
            ],
            admission: AdmissionEvaluator(
                command: ["sh", "-c", script, "evaluator"] + arguments,
                deadline: deadline,
                startDeadline: .seconds(20)
            )
        )
        try await server.seed(node: ["metadata": ["name": "n"]])
        return server
    }

    private func send(
        _ method: String,
        _ target: String,
        _ body: JSON = [:],
        type: String = "application/merge-patch+json",
        token: String = "agent",
        to server: SimulatedAPIServer
    ) async throws -> (status: Int, body: JSON) {
        let request = APIRequest(
            method: method,
            target: target,
            contentType: method == "POST" ? "application/json" : type,
            authorization: "Bearer \(token)",
            body: try body.data()
        )
        let answer = await server.respond(to: request)
        guard case .json(let json) = answer.body else { return (answer.status, .null) }
        return (answer.status, json)
    }

    struct Failure: Sendable, CustomTestStringConvertible {
        var script: String
        var message: String

        var testDescription: String { message }
    }

    @Test(arguments: [
        Failure(script: "exit 3", message: "the program ended without an answer"),
        Failure(script: "echo hello; exec sleep 60", message: "the program does not say that it is ready"),
        Failure(script: ready + "read -r line; exit 1", message: "the program ended without an answer"),
        Failure(script: ready + "exec sleep 60", message: "no answer within the deadline"),
        Failure(script: ready + "read -r line; echo yes; exec sleep 60", message: "the answer is no JSON"),
        Failure(script: ready + "read -r line; echo '{}'; exec sleep 60", message: "the answer is not complete"),
        Failure(script: ready + #"read -r line; echo '{"allowed": "true"}'"#, message: "the answer is not complete"),
        Failure(script: ready + #"read -r line; echo '{"error": "broken"}'"#, message: "broken"),
        Failure(
            script: ready + "read -r line; head -c 9000000 /dev/zero; exec sleep 60",
            message: "the answer has more than 8388608 bytes"
        ),
    ])
    func aWriteThatCannotBeEvaluatedIsNotAllowed(_ failure: Failure) async throws {
        let server = try await server(failure.script, deadline: .seconds(2))
        let before = await server.store.object(ObjectKey(resource: "nodes", name: "n"))
        let answer = try await send("PATCH", "/api/v1/nodes/n", ["metadata": ["labels": ["a": "1"]]], to: server)
        #expect(answer.status == 500)
        #expect(answer.body["reason"] == "InternalError")
        let message = "Internal error occurred: cannot evaluate the admission policies: \(failure.message)"
        #expect(answer.body["message"]?.string == message)
        #expect(await server.store.object(ObjectKey(resource: "nodes", name: "n")) == before)
        let deletion = try await send("DELETE", "/api/v1/nodes/n", to: server)
        #expect(deletion.status == 500)
    }

    @Test func theEvaluatorIsStartedAgainAfterItFailed() async throws {
        let directory = try TemporaryDirectory()
        let script =
            Self.ready
            + #"while read -r line; do [ -e "$1" ] || { touch "$1"; exit 1; }; echo '{"allowed": true}'; done"#
        let server = try await server(script, arguments: [directory.path("failed")])
        let patch: JSON = ["metadata": ["labels": ["a": "1"]]]
        #expect(try await send("PATCH", "/api/v1/nodes/n", patch, to: server).status == 500)
        #expect(try await send("PATCH", "/api/v1/nodes/n", patch, to: server).status == 200)
        #expect(try await send("PATCH", "/api/v1/nodes/n", patch, to: server).status == 200)
    }

    /// The real server passes its Go structs to CEL, which leave out empty fields.
    @Test func requestsHaveTheFieldsThatTheRealServerSends() async throws {
        let directory = try TemporaryDirectory()
        let script =
            Self.ready + #"while read -r line; do echo "$line" >>"$1"; echo '{"allowed": true}'; done"#
        let server = try await server(script, arguments: [directory.path("calls")])
        let event: JSON = ["metadata": ["name": "e"], "involvedObject": ["kind": "Node"]]
        let exchanges: [(method: String, target: String, body: JSON, status: Int)] = [
            ("PATCH", "/api/v1/nodes/n", ["metadata": ["labels": ["a": ""]], "spec": ["unschedulable": false]], 200),
            ("PATCH", "/api/v1/nodes/n/status?dryRun=All", ["status": ["phase": "x"]], 200),
            ("POST", "/api/v1/namespaces/default/events", event, 201),
            ("DELETE", "/api/v1/nodes/n", [:], 200),
        ]
        for exchange in exchanges {
            let answer = try await send(exchange.method, exchange.target, exchange.body, to: server)
            #expect(answer.status == exchange.status, "\(answer.body)")
        }
        let calls = try directory.text("calls").split(separator: "\n").map { try JSON(parsing: Data($0.utf8)) }
        try #require(calls.count == exchanges.count)
        let node: JSON = ["group": "", "version": "v1", "kind": "Node"]
        let nodes: JSON = ["group": "", "version": "v1", "resource": "nodes"]
        let groups: JSON = ["system:serviceaccounts", "system:serviceaccounts:gpu-agent", "system:authenticated"]
        let user: JSON = [
            "username": "system:serviceaccount:gpu-agent:gpu-agent",
            "groups": groups,
            "extra": ["authentication.kubernetes.io/node-name": ["n"]],
        ]
        var update: JSON = [
            "uid": "", "kind": node, "resource": nodes, "requestKind": node, "requestResource": nodes, "name": "n",
            "operation": "UPDATE", "userInfo": user, "dryRun": false,
        ]
        #expect(calls[0]["request"] == update)
        #expect(calls[0][path: ["object", "metadata", "labels"]] == ["a": ""])
        #expect(calls[0][path: ["object", "spec"]] == [:])
        #expect(calls[0][path: ["object", "status"]] == [:])
        #expect(calls[0][path: ["oldObject", "metadata", "labels"]] == nil)
        update["dryRun"] = true
        update["subResource"] = "status"
        update["requestSubResource"] = "status"
        #expect(calls[1]["request"] == update)
        #expect(calls[2][path: ["request", "operation"]] == "CREATE")
        #expect(calls[2][path: ["request", "namespace"]] == "default")
        #expect(calls[2]["oldObject"] == nil && calls[2]["object"] != nil)
        #expect(calls[3][path: ["request", "operation"]] == "DELETE")
        #expect(calls[3]["oldObject"] != nil && calls[3]["object"] == nil)
    }

    @Test func aChangeDuringTheAdmissionIsNotLost() async throws {
        let directory = try TemporaryDirectory()
        let script =
            Self.ready
            + #"while read -r line; do touch "$1"; while [ ! -e "$2" ]; do sleep 0.05; done; echo '{"allowed": true}'; done"#
        let paths = [directory.path("asked"), directory.path("answer")]
        let server = try await server(script, arguments: paths)
        async let answer = send("PATCH", "/api/v1/nodes/n", ["metadata": ["labels": ["a": "1"]]], to: server)
        try await eventually("the evaluator is asked") { directory.exists("asked") }
        _ = try await server.store.write(ObjectKey(resource: "nodes", name: "n")) { live throws(APIFailure) in
            var live = live ?? [:]
            live["metadata"]?["annotations"] = ["b": "2"]
            return live
        }
        try directory.write("answer", "")
        #expect(try await answer.status == 200)
        let node = await server.store.object(ObjectKey(resource: "nodes", name: "n"))
        #expect(node?[path: ["metadata", "labels"]] == ["a": "1"])
        #expect(node?[path: ["metadata", "annotations"]] == ["b": "2"])
    }
}
