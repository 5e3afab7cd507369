import FoundationEssentials
import SimulatedCluster
import TestSupport

/// One request of a recorder to a real API server, with its answer.
struct Recording {
    var number: Int
    var group: String
    var name: String
    var user: String
    var request: JSON
    var status: Int
    var answer: JSON

    var title: String { "\(number) \(group): \(name)" }

    static func all() throws -> [Recording] {
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

    /// The request with the placeholders replaced by the values of this server.
    ///
    /// - Parameters:
    ///   - server: The server that gets the request.
    ///   - versions: The versions of this server by those of the real one, which the requests name.
    /// - Returns: The request.
    /// - Throws: An error when the recording has no JSON body.
    func request(_ server: SimulatedAPIServer, _ versions: inout [String: String]) async throws -> APIRequest {
        var target = request["path"]?.string ?? ""
        let node = await server.store.object(ObjectKey(resource: "nodes", name: "node-a"))
        let uid = node?[path: ["metadata", "uid"]]?.string ?? "none"
        let object = await Self.object(at: target, in: server) ?? node
        let current = object?[path: ["metadata", "resourceVersion"]]?.string ?? "0"
        let stale = ["stale", "PUT", "precondition"].contains { name.contains($0) }
        var body = ""
        switch request["body"] {
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
            method: request["method"]?.string ?? "",
            target: target,
            accept: request["accept"]?.string,
            contentType: request["contentType"]?.string,
            userAgent: "difftest/1.0",
            authorization: user == "anonymous" ? nil : "Bearer \(user)",
            body: Data(body.utf8)
        )
    }

    /// The object that a path names; nil when it names none.
    private static func object(at target: String, in server: SimulatedAPIServer) async -> JSON? {
        guard let address = ResourceAddress(path: APIRequest(method: "GET", target: target).path),
            let name = address.name
        else { return nil }
        return await server.store.object(
            ObjectKey(resource: address.resource.plural, namespace: address.namespace, name: name)
        )
    }
}
