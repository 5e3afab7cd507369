import Dispatch
import FoundationEssentials
import Glibc
import Host
import HostSupport
import NodeModel
import TestSupport
import Testing

@testable import Agent

/// What goes wrong with a download, from the first request to the next good install.
@Suite(.enabled(if: PrivateHost.isPossible, PrivateHost.reason), .timeLimit(.minutes(3)))
struct DownloadFaultsTests {
    /// A fault of the server, and what an install must make of it.
    struct Fault: Sendable, CustomTestStringConvertible {
        var name: String
        /// The responses, by the size of the package in bytes.
        var answers: @Sendable (Int) -> [FileServer.Answer]
        /// Whether the server has another file of the same size.
        var isTampered = false
        var code: ReasonCode
        /// The number of requests until the agent gives up.
        var requests: Int
        /// Whether the received part stays for the next run.
        var leavesPart = false
        var testDescription: String { name }
    }

    static let faults = [
        Fault(
            name: "a stall at 99 %",
            answers: { [.stall(after: $0 * 99 / 100), .stall(after: 0), .stall(after: 0)] },
            code: .downloadFailed,
            requests: 3,
            leavesPart: true
        ),
        Fault(
            name: "a truncation",
            answers: { [.cut(after: $0 / 2), .cut(after: 0), .cut(after: 0)] },
            code: .downloadFailed,
            requests: 3,
            leavesPart: true
        ),
        Fault(name: "another file", answers: { _ in [] }, isTampered: true, code: .downloadHashMismatch, requests: 1),
        Fault(name: "a web page", answers: { _ in [.webPage] }, code: .downloadWebPage, requests: 1),
        Fault(name: "401", answers: { _ in [.status(401)] }, code: .downloadForbidden, requests: 1),
        Fault(name: "403", answers: { _ in [.status(403)] }, code: .downloadForbidden, requests: 1),
        Fault(name: "404", answers: { _ in [.status(404)] }, code: .downloadNotFound, requests: 1),
        Fault(name: "410", answers: { _ in [.status(410)] }, code: .downloadNotFound, requests: 1),
        Fault(name: "503", answers: { _ in [.status(503), .status(503)] }, code: .downloadFailed, requests: 2),
    ]

    private func failure(_ host: ScriptedHost, _ downloader: Downloader) async -> (AgentFailure?, Duration) {
        let began = ContinuousClock.now
        do throws(AgentFailure) {
            _ = try await host.install(downloader: downloader).run(lockDeadline: .seconds(60))
            return (nil, ContinuousClock.now - began)
        } catch { return (error, ContinuousClock.now - began) }
    }

    private func downloader(_ proxies: ProxySettings = ProxySettings()) -> Downloader {
        Downloader(proxies: proxies, stallTimeout: .milliseconds(300), backoff: .milliseconds(1), patience: 2)
    }

    private func packages(_ host: ScriptedHost) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: host.tree.path(HostLayout.packages)).sorted()
    }

    /// Checks what a failed download leaves: the code, the journal, the driver, and nothing but a part of the package.
    @discardableResult
    private func expectFailure(
        _ host: ScriptedHost,
        _ code: ReasonCode,
        leavesPart: Bool,
        _ downloader: Downloader
    ) async throws -> Finding {
        let (failure, time) = await failure(host, downloader)
        #expect(failure?.problem.code == code, "\(failure?.problem.observed ?? "no failure")")
        #expect(failure?.problem.remedy.text.isEmpty == false)
        #expect(time < .seconds(60))
        #expect(try packages(host) == (leavesPart ? ["driver.run.partial", "driver.run.partial.etag"] : []))
        let journal = try host.journal()
        #expect(journal.steps.map(\.step) == [.begin, .download] && journal.failure == failure?.problem)
        #expect(host.calls("installer") == [] && host.calls("modprobe") == [])
        #expect(await host.inspector.look().report.reason == code)
        return try #require(failure?.problem)
    }

    /// Checks that an install with a server that works brings the node to the state that it should have.
    private func expectConvergence(_ host: ScriptedHost) async throws {
        let view = try await host.install().run(lockDeadline: .seconds(60))
        #expect(view.report.verdict == .ready)
        #expect(try packages(host) == ["driver.run"])
        #expect(host.calls("installer").count == 1)
        #expect(try host.journal().failure == nil)
    }

    @Test(arguments: faults)
    func aFaultHasItsCodeAndTheNextRunConverges(_ fault: Fault) async throws {
        try await ScriptedHost.with { host in
            let package = host.server.file
            var served = package
            if fault.isTampered { served[served.count - 2] ^= 1 }
            host.server.replace(file: served, tag: "\"v1\"", answers: fault.answers(package.count))
            try await expectFailure(host, fault.code, leavesPart: fault.leavesPart, downloader())
            #expect(host.server.questions.count == fault.requests)
            host.server.replace(file: package, tag: "\"v1\"")
            try await expectConvergence(host)
            #expect((host.server.questions.last?.range != nil) == fault.leavesPart)
        }
    }

    /// The part of the first version must not become a part of the second one.
    @Test func anotherEntityTagBeginsAgain() async throws {
        try await ScriptedHost.with { host in
            let package = host.server.file
            let old = [UInt8](repeating: 0x78, count: package.count)
            let cuts: [FileServer.Answer] = [.cut(after: package.count / 2), .cut(after: 0), .cut(after: 0)]
            host.server.replace(file: old, tag: "\"old\"", answers: cuts)
            try await expectFailure(host, .downloadFailed, leavesPart: true, downloader())
            host.server.replace(file: package, tag: "\"new\"")
            try await expectConvergence(host)
            #expect(host.server.questions.count == 4)
            #expect(host.server.questions.last?.ifRange == "\"old\"")
        }
    }

    /// A server that changes the file under the same entity tag costs one more request.
    @Test func aChangedFileUnderTheSameEntityTagBeginsAgain() async throws {
        try await ScriptedHost.with { host in
            let package = host.server.file
            let old = [UInt8](repeating: 0x78, count: package.count)
            let cuts: [FileServer.Answer] = [.cut(after: package.count / 2), .cut(after: 0), .cut(after: 0)]
            host.server.replace(file: old, tag: "\"v1\"", answers: cuts)
            try await expectFailure(host, .downloadFailed, leavesPart: true, downloader())
            host.server.replace(file: package, tag: "\"v1\"")
            try await expectConvergence(host)
            #expect(host.server.questions.suffix(2).map { $0.range == nil } == [false, true])
        }
    }

    /// A proxy that breaks the tunnel in the middle of the package, and is gone then.
    @Test func aProxyThatDiesLeavesThePartForTheNextRun() async throws {
        try await ScriptedHost.with { host in
            let package = host.server.file
            let proxy = try ScriptedProxy(serving: package, tag: "\"v1\"", first: package.count / 2)
            let proxies = ProxySettings(http: "http://127.0.0.1:\(proxy.port)")
            try await expectFailure(host, .downloadFailed, leavesPart: true, downloader(proxies))
            #expect(host.server.questions == [])
            try await expectConvergence(host)
            #expect(host.server.questions.map(\.range) == ["bytes=\(package.count / 2)-"])
        }
    }

    @Test func aProxyThatWantsAPasswordIsNamed() async throws {
        try await ScriptedHost.with { host in
            let proxy = try ScriptedProxy(answering: "HTTP/1.1 407 Proxy Authentication Required")
            let proxies = ProxySettings(http: "http://127.0.0.1:\(proxy.port)")
            let problem = try await expectFailure(host, .downloadFailed, leavesPart: false, downloader(proxies))
            #expect(problem.observed.contains(" through the proxy 127.0.0.1:\(proxy.port): "), "\(problem)")
            #expect(problem.remedy.text.contains("Add the user name and the password to the URL of the proxy."))
        }
    }

    @Test func aProxyThatIsDeadLeavesNothing() async throws {
        try await ScriptedHost.with { host in
            let port = try LoopbackPort()
            defer { port.close() }
            let proxies = ProxySettings(http: "http://127.0.0.1:\(port.number)")
            try await expectFailure(host, .downloadFailed, leavesPart: false, downloader(proxies))
            #expect(host.server.questions == [])
            try await expectConvergence(host)
        }
    }
}

/// A proxy that refuses every connection after the first one.
private final class ScriptedProxy: Sendable {
    let port: Int

    /// Answers with this line, and opens no tunnel.
    convenience init(answering line: String) throws {
        try self.init { connection in Self.send(connection, Array("\(line)\r\nContent-Length: 0\r\n\r\n".utf8)) }
    }

    /// Opens a tunnel, and sends the beginning of a file through it.
    convenience init(serving file: [UInt8], tag: String, first count: Int) throws {
        try self.init { connection in
            Self.send(connection, Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8))
            Self.readHead(connection)
            let head = "HTTP/1.1 200 OK\r\nContent-Length: \(file.count)\r\nETag: \(tag)\r\n\r\n"
            Self.send(connection, Array(head.utf8) + file.prefix(count))
        }
    }

    /// Runs `answer` when the head of the first request has come.
    private init(answer: @escaping @Sendable (CInt) -> Void) throws {
        let own = try LoopbackPort()
        try own.listen()
        port = own.number
        DispatchQueue(label: "proxy").async {
            let connection = accept(own.descriptor, nil, nil)
            own.close()
            Self.readHead(connection)
            answer(connection)
            close(connection)
        }
    }

    private static func readHead(_ connection: CInt) {
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while !head.suffix(4).elementsEqual(Array("\r\n\r\n".utf8)), read(connection, &byte, 1) == 1 {
            head.append(byte)
        }
    }

    private static func send(_ connection: CInt, _ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(connection, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
