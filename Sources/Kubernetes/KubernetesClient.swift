import AsyncHTTPClient
import FoundationEssentials
package import Logging
import NIOCore
import NIOFoundationEssentialsCompat
import NIOHTTP1
import NIOSSL
import NetworkErrors
import Support

/// A client for the requests that the agent makes to the API server.
///
/// It does not retry (see ``RetryPolicy``). It trusts only the cluster's certificate authority and verifies the
/// server's name. Call ``shutdown()`` before releasing it.
package final class KubernetesClient: Sendable {
    /// Limits on time and size.
    package struct Limits: Sendable, Equatable {
        /// The time for a request and its complete response.
        package var request: Duration
        /// The time for opening a connection.
        package var connect: Duration
        /// The time after which the server ends a watch.
        package var watch: Duration
        /// The additional time after which the client ends a watch that the server did not end.
        package var watchGrace: Duration
        /// The maximum size of a response or of a line of a watch, in bytes.
        package var answerBytes: Int

        package init(
            request: Duration = .seconds(15),
            connect: Duration = .seconds(10),
            watch: Duration = .seconds(290),
            watchGrace: Duration = .seconds(30),
            answerBytes: Int = 8 << 20
        ) {
            self.request = request
            self.connect = connect
            self.watch = watch
            self.watchGrace = watchGrace
            self.answerBytes = answerBytes
        }
    }

    package let access: ClusterAccess
    package let limits: Limits
    let http: HTTPClient
    let logger: Logger
    private let userAgent: String

    /// Reads the certificate authority without opening a connection.
    ///
    /// - Parameters:
    ///   - access: The URL of the server and the credentials.
    ///   - limits: Limits on time and size.
    ///   - userAgent: The program's name and version.
    ///   - logger: The logger for requests, at debug level.
    /// - Throws: `credentials` when the file of the certificate authority cannot be read or contains no certificate.
    package init(
        access: ClusterAccess,
        limits: Limits = Limits(),
        userAgent: String,
        logger: Logger
    ) async throws(KubernetesError) {
        self.access = access
        self.limits = limits
        self.userAgent = userAgent
        self.logger = logger
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try await Self.tls(access),
            redirectConfiguration: .disallow,
            timeout: .init(connect: .init(limits.connect))
        )
        configuration.httpVersion = .http1Only
        // Otherwise the HTTP client retries a refused connection until the deadline.
        configuration.connectionPool.retryConnectionEstablishment = false
        self.http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Closes all connections; the client cannot be used afterwards.
    package func shutdown() async {
        do {
            try await http.shutdown()
        } catch {
            logger.debug("cannot shut down the HTTP client", metadata: ["error": "\(errorChain(error))"])
        }
    }

    private static func tls(_ access: ClusterAccess) async throws(KubernetesError) -> TLSConfiguration {
        let path = access.certificateAuthorityFile
        let pem = try await ClusterAccess.contents(of: path)
        let authorities: [NIOSSLCertificate]
        do {
            authorities = try NIOSSLCertificate.fromPEMBytes(Array(pem))
        } catch {
            throw .credentials(path: path, cause: NetworkError(error))
        }
        guard !authorities.isEmpty else { throw .credentials(path: path, cause: nil) }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .fullVerification
        tls.trustRoots = .certificates(authorities)
        tls.minimumTLSVersion = .tlsv12
        return tls
    }
}

extension KubernetesClient {
    /// Makes a request and decodes the response.
    func send<Answer: Decodable & Sendable>(
        _ request: KubernetesRequest,
        as type: Answer.Type
    ) async throws(KubernetesError) -> Answer {
        let subject = subject(of: request)
        let body = try await withDeadline(limits.request, subject: subject) { () throws(KubernetesError) in
            try await self.body(
                of: try await self.open(request, deadline: .now() + .init(self.limits.request)),
                subject
            )
        }
        do {
            return try JSONDecoder().decode(type, from: body)
        } catch {
            throw .malformed(subject: subject, detail: errorChain(error))
        }
    }

    /// Makes a request and returns after the head of the response, before its body.
    ///
    /// - Throws: The error of a status of 300 or more, or the reason why there is no response.
    func open(
        _ request: KubernetesRequest,
        deadline: NIODeadline
    ) async throws(KubernetesError) -> HTTPClientResponse {
        let subject = subject(of: request)
        var outgoing = HTTPClientRequest(url: access.server + request.target)
        outgoing.method = HTTPMethod(rawValue: request.method.rawValue)
        outgoing.headers.add(name: "Authorization", value: "Bearer " + (try await access.currentToken()))
        outgoing.headers.add(name: "Accept", value: request.accept)
        outgoing.headers.add(name: "User-Agent", value: userAgent)
        if let contentType = request.contentType { outgoing.headers.add(name: "Content-Type", value: contentType) }
        let response: HTTPClientResponse
        do {
            if let body = request.body { outgoing.body = .bytes(ByteBuffer(data: try body.data())) }
            response = try await http.execute(outgoing, deadline: deadline, logger: logger)
        } catch {
            throw await failure(error, subject)
        }
        logger.debug(
            "API request",
            metadata: ["request": "\(subject)", "status": "\(response.status.code)"]
        )
        guard response.status.code >= 300 else { return response }
        throw KubernetesError(
            status: Int(response.status.code),
            retryAfter: response.headers.first(name: "Retry-After"),
            body: try await body(of: response, subject),
            subject: subject
        )
    }

    /// The name of the request in messages: its method and its URL without the query.
    func subject(of request: KubernetesRequest) -> String {
        "\(request.method.rawValue) \(access.server)/\(request.path.joined(separator: "/"))"
    }

    /// The error for a failed connection or an incomplete response.
    func failure(_ error: any Error, _ subject: String) async -> KubernetesError {
        switch error {
        case let error as KubernetesError: error
        case is CancellationError: .cancelled(subject: subject)
        case let error as HTTPClientError where error == .cancelled: .cancelled(subject: subject)
        case let error as HTTPClientError where error == .deadlineExceeded || error == .connectTimeout:
            .timedOut(subject: subject, after: error == .connectTimeout ? limits.connect : limits.request)
        case is NIOTooManyBytesError:
            .malformed(subject: subject, detail: "more than \(limits.answerBytes) bytes")
        default: .unreachable(subject: subject, cause: await NetworkError.of(error, from: server))
        }
    }

    /// The host and port of the API server; nil when its URL has no host.
    private var server: (host: String, port: Int)? {
        guard let url = URL(string: access.server), let host = url.host(percentEncoded: false) else { return nil }
        return (host, url.port ?? 443)
    }

    private func body(of response: HTTPClientResponse, _ subject: String) async throws(KubernetesError) -> Data {
        do {
            return Data(buffer: try await response.body.collect(upTo: limits.answerBytes))
        } catch {
            throw await failure(error, subject)
        }
    }
}

/// A response whose content is not decoded.
struct Ignored: Decodable, Sendable {}
