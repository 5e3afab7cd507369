import Dispatch
import Glibc
import Host
import Synchronization
import TestSupport
import Testing

@Suite struct ProxySettingsTests {
    struct Case: CustomTestStringConvertible {
        var exclusion: String
        var url: String
        var isDirect: Bool
        var testDescription: String { "\(exclusion): \(url)" }
    }

    static let exclusions = [
        Case(exclusion: "example.com", url: "https://example.com/a", isDirect: true),
        Case(exclusion: "example.com", url: "https://EU.Example.com/a", isDirect: true),
        Case(exclusion: ".example.com", url: "https://eu.example.com/a", isDirect: true),
        Case(exclusion: "example.com", url: "https://anexample.com/a", isDirect: false),
        Case(exclusion: "example.com:8443", url: "https://example.com/a", isDirect: false),
        Case(exclusion: "example.com:443", url: "https://example.com/a", isDirect: true),
        Case(exclusion: "*", url: "https://example.com/a", isDirect: true),
        Case(exclusion: "10.0.0.0/8", url: "https://10.1.2.3/a", isDirect: true),
        Case(exclusion: "10.0.0.0/8", url: "https://11.1.2.3/a", isDirect: false),
        Case(exclusion: "0.0.0.0/0", url: "https://11.1.2.3/a", isDirect: true),
        Case(exclusion: "10.1.2.3", url: "https://10.1.2.3:8080/a", isDirect: true),
        Case(exclusion: "10.0.0.0/99", url: "https://10.1.2.3/a", isDirect: false),
        Case(exclusion: "fd00::1", url: "https://[fd00::1]/a", isDirect: true),
    ]

    @Test(arguments: exclusions)
    func excludes(_ row: Case) throws {
        let settings = ProxySettings(environment: ["HTTPS_PROXY": "proxy:3128", "NO_PROXY": "x, \(row.exclusion),"])
        #expect((try settings.server(for: row.url) == nil) == row.isDirect)
    }

    @Test func eachSchemeHasItsProxy() throws {
        let settings = ProxySettings(environment: [
            "https_proxy": "http://user:p%40ss@secure.proxy:3128/", "HTTP_PROXY": "plain.proxy",
        ])
        let secure = try #require(try settings.server(for: "https://example.com"))
        #expect(secure.host == "secure.proxy" && secure.port == 3128)
        #expect(secure.user == "user" && secure.password == "p@ss")
        let plain = try #require(try settings.server(for: "http://example.com"))
        #expect(plain.host == "plain.proxy" && plain.port == 80 && plain.user == nil)
        #expect(try ProxySettings(environment: ["HTTPS_PROXY": ""]).server(for: "https://example.com") == nil)
    }

    @Test(arguments: ["socks5://proxy:1080", "https://proxy:443", "http://", "ht tp"])
    func aProxyThatCannotBeUsedIsAnErrorAndNotADetour(_ proxy: String) {
        let settings = ProxySettings(https: proxy)
        #expect(throws: DownloadError.self) { try settings.server(for: "https://example.com") }
    }

    @Test func anErrorNamesWhereTheProxyComesFrom() {
        var settings = ProxySettings(environment: ["HTTPS_PROXY": "socks5://a", "HTTP_PROXY": "socks5://b"])
        settings.configure(https: nil, http: "socks5://c", exclusions: nil)
        for (url, name) in [("https://example.com", "HTTPS_PROXY"), ("http://example.com", "download.httpProxy")] {
            do throws(DownloadError) {
                _ = try settings.server(for: url)
                Issue.record("was used")
            } catch { #expect("\(error)".hasPrefix("\(name) is not the URL of an HTTP proxy")) }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func aDownloadGoesThroughTheTunnelOfTheProxy() async throws {
        let bench = try DownloadBench()
        let proxy = try TunnelProxy(answer: DownloadBench.file)
        let settings = ProxySettings(http: "http://user:secret@127.0.0.1:\(proxy.port)")
        let downloader = Downloader(proxies: settings, patience: 1)
        _ = try await downloader.fetch(bench.request(["http://mirror.invalid/file"]), into: bench.descriptor)
        #expect(try bench.isDone())
        let heads = proxy.heads.withLock { $0 }
        #expect(
            heads.map { $0.prefix { $0 != "\r\n" } } == ["CONNECT mirror.invalid:80 HTTP/1.1", "GET /file HTTP/1.1"]
        )
        #expect(heads.first?.lowercased().contains("proxy-authorization: basic dxnlcjpzzwnyzxq=") == true)
        #expect(heads.last?.lowercased().contains("proxy-authorization") == false)
    }
}

/// A proxy that opens one tunnel, and answers the request in the tunnel itself.
private final class TunnelProxy: Sendable {
    let port: UInt16
    let heads = Mutex<[String]>([])
    private let listener: CInt

    init(answer: [UInt8]) throws {
        let own = try LoopbackPort()
        try own.listen()
        (port, listener) = (UInt16(own.number), own.descriptor)
        DispatchQueue(label: "tunnel").async { [self] in
            let connection = accept(listener, nil, nil)
            defer { close(connection) }
            readHead(connection)
            send(connection, Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8))
            readHead(connection)
            send(connection, Array("HTTP/1.1 200 OK\r\nContent-Length: \(answer.count)\r\n\r\n".utf8) + answer)
        }
    }

    deinit { close(listener) }

    private func readHead(_ connection: CInt) {
        var head = ""
        var byte: UInt8 = 0
        while !head.hasSuffix("\r\n\r\n"), read(connection, &byte, 1) == 1 {
            head.unicodeScalars.append(Unicode.Scalar(byte))
        }
        heads.withLock { $0.append(head) }
    }

    private func send(_ connection: CInt, _ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(connection, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
