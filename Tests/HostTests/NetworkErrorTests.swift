import Host
import NIOCore
import NIOPosix
import NIOSSL
import Subprocess
import Support
import SystemPackage
import TestSupport
import Testing

/// The error message of a download that does not reach its server: the complete chain, with each cause once.
@Suite(.timeLimit(.minutes(2))) struct NetworkErrorTests {
    let bench: DownloadBench

    init() throws { bench = try DownloadBench() }

    @Test func saysThatNobodyListens() async throws {
        let port = try LoopbackPort()
        defer { port.close() }
        let url = "http://127.0.0.1:\(port.number)/file"
        let failure = try await bench.failure(bench.request([url]))
        let expected = "the download failed after 4 attempts: cannot download \(url): connection refused"
        #expect(errorChain(failure) == expected)
    }

    @Test func saysThatTheNameIsUnknown() async throws {
        let url = "http://no-such-host.invalid/file"
        let failure = try await bench.failure(bench.request([url]))
        let expected =
            "the download failed after 4 attempts: cannot download \(url): "
            + "cannot resolve the host name 'no-such-host.invalid'"
        #expect(errorChain(failure) == expected)
    }

    @Test(arguments: [
        ("20200101000000Z", "20200201000000Z", "", "the server's certificate has expired (2020-02-01T00:00:00Z)"),
        (
            "20900101000000Z", "20900201000000Z", "the download failed after 4 attempts: ",
            "the server's certificate is not valid before 2090-01-01T00:00:00Z"
        ),
        ("20200101000000Z", "20900201000000Z", "", "the server's certificate is signed by an unknown authority"),
    ])
    func saysWhatIsWrongWithTheCertificate(from: String, to: String, retries: String, reason: String) async throws {
        try await TLSServer.serving(from: from, to: to) { port, _ in
            let url = "https://127.0.0.1:\(port)/file"
            let failure = try await bench.failure(bench.request([url]))
            // Only the time, which makes a certificate valid, is worth another attempt.
            #expect(errorChain(failure) == "\(retries)cannot download \(url): \(reason)")
        }
    }

    @Test func trustsAnAuthorityOfTheConfiguration() async throws {
        try await TLSServer.serving(from: "20200101000000Z", to: "20900201000000Z") { port, certificate in
            let authorities = try TrustedAuthorities(pem: Array(certificate.utf8))
            let downloader = Downloader(authorities: authorities, backoff: .milliseconds(1), patience: 1)
            let url = "https://127.0.0.1:\(port)/file"
            let request = bench.request([url], stallTimeout: .seconds(1), deadline: .seconds(90))
            do throws(DownloadError) {
                _ = try await downloader.fetch(request, into: bench.descriptor)
                Issue.record("the server has no file")
            } catch {
                // The server performs only the handshake, so the request fails after it.
                #expect(!errorChain(error).contains("certificate"), "\(errorChain(error))")
            }
        }
        #expect(throws: (any Error).self) { try TrustedAuthorities(pem: Array("no certificate".utf8)) }
        #expect(throws: (any Error).self) { try TrustedAuthorities(pem: []) }
    }

    @Test func saysThatTheServerDoesNotSpeakTLS() async throws {
        try await TLSServer.listening({ $0.eventLoop.makeSucceededVoidFuture() }) { port in
            let url = "https://127.0.0.1:\(port)/file"
            let request = bench.request([url], stallTimeout: .milliseconds(300), deadline: .seconds(90))
            let text = errorChain(try await bench.failure(request))
            #expect(text.contains("cannot download \(url): "))
            #expect(!text.contains("HTTPClientError"))
        }
    }
}

/// A server that performs only the TLS handshake, with a certificate that has the given dates.
private enum TLSServer {
    static func serving(from: String, to: String, _ body: (Int, String) async throws -> Void) async throws {
        let directory = try TemporaryDirectory()
        try directory.write("index.txt", "")
        try directory.write("serial", "01\n")
        try directory.write(
            "ca.cnf",
            """
            [ca]
            default_ca = own
            [own]
            new_certs_dir = .
            database = index.txt
            serial = serial
            default_md = sha256
            policy = any
            x509_extensions = server
            [any]
            commonName = supplied
            [server]
            basicConstraints = critical, CA:TRUE
            subjectAltName = IP:127.0.0.1
            """
        )
        let script = """
            set -e
            openssl ecparam -name prime256v1 -genkey -noout -out key
            openssl req -new -key key -subj /CN=test-server -out request
            openssl ca -selfsign -batch -notext -config ca.cnf -keyfile key -in request -out certificate \
                -startdate \(from) -enddate \(to)
            """
        let made = try await run(
            .name("sh"),
            arguments: ["-c", script],
            workingDirectory: FilePath(directory.path),
            output: .discarded,
            error: .string(limit: 64 << 10)
        )
        try #require(made.terminationStatus.isSuccess, "\(made.standardError)")
        let certificate = try directory.text("certificate")
        let context = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: NIOSSLCertificate.fromPEMFile(directory.path("certificate")).map { .certificate($0) },
                privateKey: .privateKey(NIOSSLPrivateKey(file: directory.path("key"), format: .pem))
            )
        )
        try await listening(
            { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                }
            },
            { port in try await body(port, certificate) }
        )
    }

    static func listening(
        _ initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>,
        _ body: (Int) async throws -> Void
    ) async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer(initializer)
            .bind(host: "127.0.0.1", port: 0)
            .get()
        do { try await body(channel.localAddress?.port ?? 0) } catch {
            try await channel.close()
            throw error
        }
        try await channel.close()
    }
}
