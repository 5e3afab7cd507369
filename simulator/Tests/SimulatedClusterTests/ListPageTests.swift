import FoundationEssentials
import SimulatedCluster
import Testing

/// Lists in pages.
@Suite struct ListPageTests {
    private static let maps = "/api/v1/namespaces/default/configmaps"

    /// A server with ConfigMaps of these names, in several namespaces.
    private func server(_ maps: [(space: String, name: String)]) async throws -> SimulatedAPIServer {
        let server = try await Exchange.server()
        for map in maps {
            let body: JSON = ["metadata": ["name": .string(map.name), "labels": ["first": .string(map.name)]]]
            let target = "/api/v1/namespaces/\(map.space)/configmaps"
            let exchange = Exchange(method: "POST", target: target, type: "application/json", body: body, status: 201)
            #expect(try await exchange.send(to: server).0 == 201)
        }
        return server
    }

    private func get(_ target: String, _ server: SimulatedAPIServer) async throws -> (status: Int, list: JSON) {
        let (status, list) = try await Exchange(method: "GET", target: target, status: 200).send(to: server)
        return (status, list)
    }

    private func names(_ list: JSON) -> [String] {
        (list["items"]?.array ?? []).compactMap { $0[path: ["metadata", "name"]]?.string }
    }

    private func token(_ list: JSON) -> String? { list[path: ["metadata", "continue"]]?.string }

    /// The namespaces sort as the keys of etcd, where `a-b/` comes before `a/`.
    @Test(arguments: 1...5)
    func pagesHaveEveryObjectOnce(_ limit: Int) async throws {
        let server = try await server([("a", "x"), ("a-b", "y"), ("a", "z"), ("b", "x")])
        var (found, next): ([String], String?) = ([], "")
        var pages = 0
        while let token = next, pages < 10 {
            let (_, list) = try await get("/api/v1/configmaps?limit=\(limit)&continue=\(token)", server)
            found += names(list)
            next = self.token(list)
            pages += 1
        }
        #expect(found == ["y", "x", "z", "x"])
        #expect(pages == (4 + limit - 1) / limit)
    }

    @Test func aPageIsAsTheListWasAtTheFirst() async throws {
        let server = try await server([("default", "a"), ("default", "b"), ("default", "c")])
        let (_, first) = try await get("\(Self.maps)?limit=1", server)
        #expect(names(first) == ["a"] && first[path: ["metadata", "remainingItemCount"]] == 2)
        let deletion = Exchange(method: "DELETE", target: "\(Self.maps)/b", status: 200)
        #expect(try await deletion.send(to: server).0 == 200)
        let rest = "\(Self.maps)?continue=\(try #require(token(first)))"
        let (_, second) = try await get(rest, server)
        #expect(names(second) == ["b", "c"])
        #expect(second[path: ["metadata", "resourceVersion"]] == first[path: ["metadata", "resourceVersion"]])
        // After a compaction, the server does not know the first list any more.
        let change = Exchange(
            method: "PATCH",
            target: "\(Self.maps)/c",
            type: Exchange.merge,
            body: ["data": ["k": "v"]],
            status: 200
        )
        #expect(try await change.send(to: server).0 == 200)
        await server.store.compact()
        let (status, failure) = try await get(rest, server)
        #expect(status == 410 && failure["reason"] == "Expired")
    }

    /// As in the real server, the page after a full one can be empty.
    @Test func aFullPageIsNotTheLastWhileOthersFollow() async throws {
        let server = try await server([("default", "a"), ("default", "b")])
        let (_, first) = try await get("\(Self.maps)?limit=1&labelSelector=first%3Da", server)
        #expect(names(first) == ["a"] && first[path: ["metadata", "remainingItemCount"]] == nil)
        let rest = "\(Self.maps)?limit=1&labelSelector=first%3Da&continue=\(try #require(token(first)))"
        let (_, second) = try await get(rest, server)
        #expect(names(second).isEmpty && token(second) == nil)
    }
}
