import ClusterSupport
import FoundationEssentials
import NIOCore
import SimulatedCluster
import Support
import TestSupport
import Testing

@testable import Kubernetes

@Suite struct NodeWatchTests {
    private func label(_ value: String) -> JSON { ["metadata": ["labels": ["example.com/a": .string(value)]]] }

    private func describe(_ event: NodeWatchEvent) -> String {
        switch event {
        case .added(let node): "added \(node.metadata.labels["example.com/a"] ?? "-")"
        case .modified(let node): "modified \(node.metadata.labels["example.com/a"] ?? "-")"
        case .deleted: "deleted"
        case .bookmark: "bookmark"
        case .failed(.gone): "gone"
        case .failed(let error): "failed: \(error)"
        }
    }

    @Test func goesOnFromTheVersionItKnows() async throws {
        try await TestCluster.with { cluster in
            let version = try await cluster.client.node(TestCluster.nodeName).metadata.resourceVersion
            for value in ["1", "2"] { try await cluster.changeNode(label(value)) }
            var seen: [String] = []
            var last = version
            for await event in cluster.client.watchNode(TestCluster.nodeName, from: version) {
                seen.append(describe(event))
                last = event.resourceVersion ?? last
                if seen.count == 2 { break }
            }
            #expect(seen == ["modified 1", "modified 2"])

            try await cluster.changeNode(label("3"))
            await cluster.deleteNode()
            var more: [String] = []
            for await event in cluster.client.watchNode(TestCluster.nodeName, from: last) {
                more.append(describe(event))
                if more.count == 2 { break }
            }
            #expect(more == ["modified 3", "deleted"])
        }
    }

    @Test func seesWhatHappensWhileItWatches() async throws {
        try await TestCluster.with { cluster in
            var seen: [String] = []
            for await event in cluster.client.watchNode(TestCluster.nodeName, from: "") {
                seen.append(describe(event))
                if seen.count == 3 { break }
                try await cluster.changeNode(label("\(seen.count)"))
            }
            #expect(seen == ["added -", "modified 1", "modified 2"])
        }
    }

    @Test func endsWhenTheServerEndsIt() async throws {
        let limits = KubernetesClient.Limits(watch: .seconds(1))
        try await TestCluster.with(limits: limits) { cluster in
            let version = try await cluster.client.node(TestCluster.nodeName).metadata.resourceVersion
            var seen: [String] = []
            var last: String?
            for await event in cluster.client.watchNode(TestCluster.nodeName, from: version) {
                seen.append(describe(event))
                last = event.resourceVersion
            }
            #expect(seen == ["bookmark"])
            #expect(last == version)
        }
    }

    @Test func aForgottenVersionIsGone() async throws {
        try await TestCluster.with(historyLimit: 2) { cluster in
            let version = try await cluster.client.node(TestCluster.nodeName).metadata.resourceVersion
            for value in 1...4 { try await cluster.changeNode(label("\(value)")) }
            var seen: [String] = []
            for await event in cluster.client.watchNode(TestCluster.nodeName, from: version) {
                seen.append(describe(event))
            }
            #expect(seen == ["gone"])
        }
    }

    @Test func aRefusalWithoutAStreamIsGoneToo() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.status(410, message: "too old resource version"), target: "watch=true"))
            var seen: [String] = []
            for await event in cluster.client.watchNode(TestCluster.nodeName, from: "1") {
                seen.append(describe(event))
            }
            #expect(seen == ["gone"])
        }
    }

    @Test func aWatchWithoutTheRightIsForbidden() async throws {
        try await TestCluster.with { cluster in
            cluster.server.users.set(User("nobody", Rights([])), for: "agent")
            var seen: [NodeWatchEvent] = []
            for await event in cluster.client.watchNode(TestCluster.nodeName, from: "1") { seen.append(event) }
            guard case .failed(.forbidden) = try #require(seen.first) else {
                Issue.record("\(seen)")
                return
            }
            #expect(seen.count == 1)
        }
    }

    @Test func aSilentServerIsGivenUp() async throws {
        let limits = KubernetesClient.Limits(watch: .zero, watchGrace: .milliseconds(500))
        try await TestCluster.with(limits: limits) { cluster in
            cluster.server.faults.add(Fault(.hang(.seconds(60)), target: "watch=true"))
            var seen: [NodeWatchEvent] = []
            for await event in cluster.client.watchNode(TestCluster.nodeName, from: "1") { seen.append(event) }
            guard case .failed(.timedOut) = seen.first else {
                Issue.record("\(seen)")
                return
            }
        }
    }

    @Test func aStoppedServerEndsTheWatch() async throws {
        try await TestCluster.with { cluster in
            var events = cluster.client.watchNode(TestCluster.nodeName, from: "").makeAsyncIterator()
            _ = await events.next()
            await cluster.server.stop()
            switch await events.next() {
            case .none, .failed(.unreachable): break
            case .some(let other): Issue.record("\(other)")
            }
        }
    }

    @Test(arguments: 1...9)
    func linesAreWholeHoweverTheyArrive(_ size: Int) throws {
        let text = "{\"type\":\"A\"}\n\n{\"type\":\"B\"}\n{\"rest\""
        var lines = WatchLines(limit: 100)
        var found: [String] = []
        for start in stride(from: 0, to: text.utf8.count, by: size) {
            let chunk = text.utf8.dropFirst(start).prefix(size)
            found += try lines.append(ByteBuffer(bytes: chunk)).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(found == ["{\"type\":\"A\"}", "{\"type\":\"B\"}"])
    }

    @Test func aLineWithoutEndIsRefused() throws {
        var lines = WatchLines(limit: 10)
        _ = try lines.append(ByteBuffer(string: "0123456789"))
        #expect(throws: NIOTooManyBytesError.self) { try lines.append(ByteBuffer(string: "0")) }
    }
}
