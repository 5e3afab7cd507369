import AsyncHTTPClient
import Glibc
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Support
import TestSupport
import Testing

@testable import Agent

/// The port of the health server, and its connections.
@Suite(.timeLimit(.minutes(1))) struct HealthPortTests {
    private struct Running {
        var port: Int
        var task: Task<Void, any Error>
    }

    private func start(
        _ host: String,
        idle: Duration = .seconds(15),
        limit: Int = 64,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) async throws -> Running {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        var server = HealthServer(box: SnapshotBox(), silence: .seconds(60))
        server.idleTimeout = idle
        server.connectionLimit = limit
        let service = HealthService(
            server: server,
            host: host,
            port: 0,
            logger: logger,
            onServerRunning: { channel in continuation.yield(channel.localAddress?.port ?? 0) }
        )
        let task = Task { try await service.run() }
        return Running(port: try #require(await ports.first { _ in true }), task: task)
    }

    /// Asks for `/healthz` over a connection of its own, as the kubelet does.
    private func status(_ host: String, _ port: Int, timeout: TimeAmount = .seconds(60)) async throws -> Int {
        var request = HTTPClientRequest(url: "http://\(host):\(port)/healthz")
        request.headers.add(name: "Connection", value: "close")
        return Int(try await HTTPClient.shared.execute(request, timeout: timeout).status.code)
    }

    @Test(arguments: ["::", "0.0.0.0", "127.0.0.1"])
    func answersOverIPv4(_ host: String) async throws {
        let running = try await start(host)
        defer { running.task.cancel() }
        #expect(try await status("127.0.0.1", running.port) == 200)
    }

    private static let hasIPv6 = {
        let descriptor = socket(AF_INET6, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_addr.__in6_u.__u6_addr8.15 = 1
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) == 0
            }
        }
    }()

    @Test(.enabled(if: hasIPv6, "this machine has no IPv6"), arguments: ["::", "::1"])
    func answersOverIPv6(_ host: String) async throws {
        let running = try await start(host)
        defer { running.task.cancel() }
        #expect(try await status("[::1]", running.port) == 200)
    }

    @Test func namesTheAddressThatIsInUse() async throws {
        let running = try await start("127.0.0.1")
        defer { running.task.cancel() }
        let second = HealthService(
            server: HealthServer(box: SnapshotBox(), silence: .seconds(60)),
            host: "127.0.0.1",
            port: running.port,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        await #expect { try await second.run() } throws: { error in
            errorChain(error) == "cannot listen on 127.0.0.1:\(running.port) (--listen): address already in use"
        }
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func logsTheAddressThatTheKernelChose(_ host: String) async throws {
        guard host == "127.0.0.1" || Self.hasIPv6 else { return }
        let lines = LogLines()
        let running = try await start(host, logger: Logger(label: "test") { _ in lines })
        defer { running.task.cancel() }
        let address = host == "::1" ? "[::1]:\(running.port)" : "127.0.0.1:\(running.port)"
        #expect(lines.all.contains("notice listening address=\(address)"), "\(lines.all)")
    }

    // MARK: Connections that a client only holds

    /// Opens a connection and sends this text.
    private func connection(_ port: Int, sending text: String = "") throws -> CInt {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
        if !text.isEmpty { _ = send(descriptor, text, text.utf8.count, CInt(MSG_NOSIGNAL)) }
        return descriptor
    }

    private func isClosed(_ descriptor: CInt) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 1024)
        while true {
            let count = recv(descriptor, &bytes, bytes.count, CInt(MSG_DONTWAIT))
            if count <= 0 { return count == 0 || errno == ECONNRESET }
        }
    }

    @Test func closesAConnectionWithoutARequest() async throws {
        let running = try await start("127.0.0.1", idle: .milliseconds(200))
        defer { running.task.cancel() }
        let idle = try connection(running.port)
        defer { close(idle) }
        try await eventually("the server closes the connection") { isClosed(idle) }
    }

    @Test func closesAConnectionForEachAboveTheLimit() async throws {
        let running = try await start("127.0.0.1", limit: 4)
        defer { running.task.cancel() }
        let held = try (0..<12).map { _ in try connection(running.port) }
        defer { held.forEach { close($0) } }
        // Several threads of the server note the connections, so the order among these twelve is not certain.
        try await eventually("the server closes eight") { held.filter(isClosed).count == 8 }
    }

    /// A server that is canceled between the accept and the first read must not end the process.
    @Test func stopsWhileConnectionsArrive() async throws {
        for _ in 0..<20 {
            let running = try await start("127.0.0.1", limit: 4)
            let held = try (0..<12).map { _ in try connection(running.port) }
            running.task.cancel()
            defer { held.forEach { close($0) } }
            try await running.task.value
        }
    }

    /// A peer holds as many connections as there may be, and opens each one again that the server closes.
    @Test(arguments: [
        "", "GET /healthz HTTP/1.1\r\nHost: a\r\n", "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
    ])
    func aPeerWithAllConnectionsKeepsNoProbeWaiting(_ text: String) async throws {
        let running = try await start("127.0.0.1")
        defer { running.task.cancel() }
        let first = try (0..<64).map { _ in try connection(running.port, sending: text) }
        let peer = Task {
            var held = first
            defer { held.forEach { close($0) } }
            while !Task.isCancelled {
                for index in held.indices where isClosed(held[index]) {
                    close(held[index])
                    held[index] = try connection(running.port, sending: text)
                }
                try? await Task.sleep(for: .milliseconds(5))
            }
        }
        defer { peer.cancel() }
        for _ in 0..<5 {
            // The limit of a probe in the manifests.
            #expect(try await status("127.0.0.1", running.port, timeout: .seconds(5)) == 200)
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    // MARK: Which connection is closed

    @Test func thePeerWithTheMostConnectionsLosesItsOldestOne() {
        var open = OpenConnections<Int>(limit: 4)
        #expect(open.open(1, peer: "kubelet") == nil)
        for id in 2...4 { #expect(open.open(id, peer: "a") == nil) }
        #expect(open.open(5, peer: "a") == 2)
        open.use(3)
        #expect(open.open(6, peer: "b") == 4, "a request arrived on 3 since 4 was opened")
        #expect(open.count == 4)
    }

    @Test func ofPeersWithOneConnectionEachTheOldestLoses() {
        var open = OpenConnections<Int>(limit: 2)
        #expect(open.open(1, peer: "a") == nil)
        #expect(open.open(2, peer: "b") == nil)
        #expect(open.open(3, peer: "c") == 1)
        open.use(1)
        open.close(2)
        #expect(open.open(4, peer: "d") == nil)
        #expect(open.open(5, peer: "e") == 3)
    }
}
