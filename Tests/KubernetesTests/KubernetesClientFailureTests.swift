import ClusterSupport
import FoundationEssentials
import Kubernetes
import SimulatedCluster
import Support
import TestSupport
import Testing

private let hasIPv6Loopback: Bool = {
    let addresses = try? String(contentsOfFile: "/proc/net/if_inet6", encoding: .utf8)
    return addresses?.contains("00000000000000000000000000000001") ?? false
}()

/// Every kind of failure, over a real connection.
@Suite struct KubernetesClientFailureTests {
    private func readError(_ cluster: TestCluster, name: String = TestCluster.nodeName) async -> KubernetesError? {
        await failure { () throws(KubernetesError) in _ = try await cluster.client.node(name) }
    }

    private func applyError(_ cluster: TestCluster, labels: [String: String]) async -> KubernetesError? {
        let body = cluster.applied(labels: labels)
        return await failure { () throws(KubernetesError) in
            _ = try await cluster.client.applyNode(TestCluster.nodeName, body: body, fieldManager: "gpu-agent")
        }
    }

    @Test func anUnknownTokenIsUnauthorized() async throws {
        try await TestCluster.with { cluster in
            try cluster.directory.write("token", "expired")
            guard case .unauthorized = await readError(cluster) else {
                Issue.record("not unauthorized")
                return
            }
        }
    }

    @Test func aRotatedTokenIsUsedAtOnce() async throws {
        try await TestCluster.with { cluster in
            _ = try await cluster.client.node(TestCluster.nodeName)
            cluster.server.users.set(nil, for: "agent")
            cluster.server.users.set(try TestCluster.agent(), for: "rotated")
            try cluster.directory.write("token", "rotated\n")
            _ = try await cluster.client.node(TestCluster.nodeName)
            #expect(cluster.server.log.all.map(\.status) == [200, 200])
        }
    }

    @Test(arguments: ["", " \n"])
    func anEmptyTokenIsNeverSent(_ token: String) async throws {
        try await TestCluster.with { cluster in
            try cluster.directory.write("token", token)
            guard case .credentials(let path, nil) = await readError(cluster) else {
                Issue.record("not a credentials error")
                return
            }
            #expect(path == cluster.tokenFile)
            #expect(cluster.server.log.all.isEmpty)
        }
    }

    @Test func whoHasNoRightIsForbiddenAndTold() async throws {
        try await TestCluster.with { cluster in
            let user = try TestCluster.agent().name
            cluster.server.users.set(User(user, Rights([])), for: "agent")
            guard case .forbidden(let message) = await readError(cluster, name: "gpu-2") else {
                Issue.record("not forbidden")
                return
            }
            let sentence = "cannot get resource \"nodes\" in API group \"\" at the cluster scope"
            #expect(message == "nodes \"gpu-2\" is forbidden: User \"\(user)\" \(sentence)")
        }
    }

    @Test func aDeletedNodeIsNotFound() async throws {
        try await TestCluster.with { cluster in
            await cluster.deleteNode()
            guard case .notFound(let message) = await readError(cluster) else {
                Issue.record("not notFound")
                return
            }
            #expect(message == "nodes \"gpu-1\" not found")
        }
    }

    @Test func anInvalidLabelKeepsTheServersSentence() async throws {
        try await TestCluster.with { cluster in
            let value = String(repeating: "x", count: 64)
            guard case .invalid(let message, let causes) = await applyError(cluster, labels: ["a": value]) else {
                Issue.record("not invalid")
                return
            }
            let why = "Invalid value: \"\(value)\": must be no more than 63 bytes"
            #expect(message == "Node \"gpu-1\" is invalid: metadata.labels: \(why)")
            // The server reports the same cause several times.
            #expect(Set(causes) == [InvalidField(field: "metadata.labels", reason: "FieldValueInvalid", message: why)])
        }
    }

    @Test func aStaleVersionIsAConflict() async throws {
        try await TestCluster.with { cluster in
            let old = try await cluster.client.node(TestCluster.nodeName).metadata.resourceVersion
            try await cluster.changeNode(["metadata": ["labels": ["example.com/a": "1"]]])
            let error = await failure { () throws(KubernetesError) in
                _ = try await cluster.client.patchNode(
                    TestCluster.nodeName,
                    operations: [.replace(["metadata", "resourceVersion"], .string(old))],
                    fieldManager: "gpu-agent"
                )
            }
            guard case .conflict(let message, let fields) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            let why = "the object has been modified; please apply your changes to the latest version and try again"
            #expect(message == "Operation cannot be fulfilled on nodes \"gpu-1\": \(why)")
            #expect(fields.isEmpty)
        }
    }

    @Test func aBusyServerSaysWhenToComeBack() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(.tooManyRequests(retryAfter: 7))
            guard case .tooManyRequests(.some(.seconds(7))) = await readError(cluster) else {
                Issue.record("not tooManyRequests")
                return
            }
            _ = try await cluster.client.node(TestCluster.nodeName)
        }
    }

    @Test func aProxysPlainTextIsTheMessage() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.plain(503, text: "no backend\n", retryAfter: 2)))
            guard case .server(503, "no backend", .some(.seconds(2))) = await readError(cluster) else {
                Issue.record("not server(503)")
                return
            }
        }
    }

    @Test(arguments: [(410, "gone"), (415, "unsupported"), (500, "server"), (504, "server"), (400, "server")])
    func otherStatusesAreTold(_ code: Int, _ expected: String) async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.status(code, message: "why")))
            let kind =
                switch await readError(cluster) {
                case .gone("why"): "gone"
                case .unsupportedMediaType("why"): "unsupported"
                case .server(code, "why", nil): "server"
                case let other: "\(String(describing: other))"
                }
            #expect(kind == expected)
        }
    }

    @Test func anAnswerOfAnotherKindIsMalformed() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.garbage("<html>log in</html>")))
            guard case .malformed = await readError(cluster) else {
                Issue.record("not malformed")
                return
            }
        }
    }

    @Test func aBrokenConnectionIsUnreachable() async throws {
        try await TestCluster.with { cluster in
            _ = try await cluster.client.node(TestCluster.nodeName)
            cluster.server.faults.add(Fault(.drop))
            guard case .unreachable = await readError(cluster) else {
                Issue.record("not unreachable")
                return
            }
        }
    }

    @Test func aStoppedServerIsUnreachable() async throws {
        try await TestCluster.with { cluster in
            await cluster.server.stop()
            guard case .unreachable(_, let cause) = await readError(cluster) else {
                Issue.record("not unreachable")
                return
            }
            #expect("\(cause)".lowercased().contains("connection"))
        }
    }

    @Test func aSilentServerTimesOut() async throws {
        let limits = KubernetesClient.Limits(request: .milliseconds(300))
        try await TestCluster.with(limits: limits) { cluster in
            cluster.server.faults.add(Fault(.hang(.seconds(60))))
            guard case .timedOut(_, .milliseconds(300)) = await readError(cluster) else {
                Issue.record("not timedOut")
                return
            }
        }
    }

    /// With more yields of the test, the request has progressed further when it is canceled.
    @Test(arguments: [0, 1, 10, 100, 1000])
    func aCancelledTaskDoesNotWait(_ steps: Int) async throws {
        // On a busy computer, the yields take longer than the usual limit of a request.
        let limits = KubernetesClient.Limits(request: .seconds(300))
        try await TestCluster.with(limits: limits) { cluster in
            cluster.server.faults.add(Fault(.hang(.seconds(300))))
            let task = Task { await readError(cluster) }
            for _ in 0..<steps { await Task.yield() }
            task.cancel()
            let error = await task.value
            guard case .cancelled = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test func anotherAuthorityIsRefused() async throws {
        let others = try await TestCertificates.make()
        try await TestCluster.with { cluster in
            var access = cluster.client.access
            access.certificateAuthorityFile = others.authorityFile
            let client = try await TestCluster.client(access)
            let error = await failure { () throws(KubernetesError) in
                _ = try await client.node(TestCluster.nodeName)
            }
            await client.shutdown()
            guard case .unreachable(_, let cause) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect("\(cause)".contains("signed by an unknown authority"))
            #expect(cluster.server.log.all.isEmpty)
        }
    }

    @Test func anotherNameIsRefused() async throws {
        try await TestCluster.with { cluster in
            var access = cluster.client.access
            // The whole of 127/8 is this host, and the certificate names 127.0.0.1 only.
            access.server = access.server.replacing("127.0.0.1", with: "127.0.0.2")
            let port = try #require(Int(access.server.split(separator: ":").last ?? ""))
            await cluster.server.stop()
            _ = try await cluster.server.start(host: "0.0.0.0", port: port)
            let client = try await TestCluster.client(access)
            let error = await failure { () throws(KubernetesError) in
                _ = try await client.node(TestCluster.nodeName)
            }
            await client.shutdown()
            guard case .unreachable = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(cluster.server.log.all.isEmpty)
            _ = try await cluster.client.node(TestCluster.nodeName)
        }
    }

    @Test(.enabled(if: hasIPv6Loopback, "this machine has no ::1"))
    func anIPv6AddressIsReachedAndChecked() async throws {
        try await TestCluster.with { cluster in
            await cluster.server.stop()
            let port = try await cluster.server.start(host: "::1")
            var access = cluster.client.access
            access.server = try ClusterAccess.inCluster(
                environment: ["KUBERNETES_SERVICE_HOST": "::1", "KUBERNETES_SERVICE_PORT": "\(port)"]
            ).server
            let client = try await TestCluster.client(access)
            let error = await failure { () throws(KubernetesError) in
                _ = try await client.node(TestCluster.nodeName)
            }
            await client.shutdown()
            #expect(error.map(\.description) == nil)
            #expect(cluster.server.log.all.map(\.status) == [200])
        }
    }

    @Test func aFileWithoutACertificateIsRefused() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("ca.crt", "nothing here\n")
        let paths = [directory.path("ca.crt"), directory.path("missing.crt")]
        for path in paths {
            let access = ClusterAccess(
                server: "https://127.0.0.1:1",
                certificateAuthorityFile: path,
                token: .fixed("agent")
            )
            let error = await failure { () throws(KubernetesError) in _ = try await TestCluster.client(access) }
            guard case .credentials(path, _) = error else {
                Issue.record("\(path): \(String(describing: error))")
                continue
            }
        }
    }
}
