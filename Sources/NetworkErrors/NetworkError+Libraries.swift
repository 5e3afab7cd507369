import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import SystemPackage

extension NetworkError {
    /// Translates an error, and finds out why a certificate was rejected.
    ///
    /// The libraries report only that the verification failed. A second connection then fetches the certificate
    /// and examines it, which takes up to five seconds.
    ///
    /// - Parameters:
    ///   - error: The error of a request.
    ///   - server: The host and port of the server; nil when a proxy is in between.
    /// - Returns: The error in plain words.
    package static func of(_ error: any Error, from server: (host: String, port: Int)?) async -> NetworkError {
        let translated = NetworkError(error) ?? .other("\(error)")
        guard translated == .certificate(.rejected), let server else { return translated }
        return .certificate(await CertificateProbe.fault(of: server.host, port: server.port) ?? .rejected)
    }

    /// Translates an error of AsyncHTTPClient, SwiftNIO or NIOSSL; nil for any other error.
    package init?(_ error: any Error) {
        switch error {
        case let error as NetworkError: self = error
        case let error as HTTPClientError: self.init(client: error)
        case let error as NIOConnectionError: self.init(connection: error)
        case let error as IOError: self.init(code: Errno(rawValue: error.errnoCode))
        case let error as Errno: self.init(code: error)
        case let error as NIOSSLError: self.init(tls: error)
        case let error as BoringSSLError: self.init(library: error)
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            self = .certificate(.wrongHostName)
        case is NIOSSLExtraError: self = .tls("the host name cannot be used for TLS")
        case let error as SocketAddressError.UnknownHost: self = .nameNotResolved(error.host)
        case ChannelError.connectTimeout: self = .connectTimedOut
        case is ChannelError: self = .connectionClosed
        case HTTPParserError.invalidEOFState: self = .connectionClosed
        case is HTTPParserError: self = .http("the response is not valid HTTP")
        case is CancellationError: self = .canceled
        default: return nil
        }
    }

    private init(client error: HTTPClientError) {
        switch error {
        case .remoteConnectionClosed, .uncleanShutdown: self = .connectionClosed
        case .connectTimeout, .socksHandshakeTimeout, .httpProxyHandshakeTimeout, .tlsHandshakeTimeout,
            .getConnectionFromPoolTimeout:
            self = .connectTimedOut
        case .readTimeout, .writeTimeout, .deadlineExceeded: self = .readTimedOut
        case .proxyAuthenticationRequired: self = .proxyAuthenticationRequired
        case .invalidProxyResponse: self = .proxyRefused
        case .redirectLimitReached: self = .http("too many redirects")
        case .redirectCycleDetected: self = .http("the redirects form a loop")
        case .invalidURL: self = .http("the URL is not valid")
        case .emptyHost: self = .http("the URL has no host")
        case .emptyScheme: self = .http("the URL does not begin with http:// or https://")
        case .cancelled, .requestStreamCancelled: self = .canceled
        default: self = .http(error.shortDescription.lowercasedFirst)
        }
    }

    private init(connection error: NIOConnectionError) {
        // One attempt is made for each address. The first says most: later ones are of the other address family.
        if let first = error.connectionErrors.first {
            self = NetworkError(first.error) ?? .other("cannot connect")
        } else {
            self = .nameNotResolved(error.host)
        }
    }

    private init(code: Errno) {
        switch code {
        case .connectionRefused: self = .connectionRefused
        case .connectionReset, .brokenPipe, .connectionAbort: self = .connectionClosed
        case .timedOut: self = .connectTimedOut
        default: self = .system(code)
        }
    }

    private init(tls error: NIOSSLError) {
        switch error {
        case .handshakeFailed(let reason), .shutdownFailed(let reason): self.init(library: reason)
        case .noCertificateToValidate, .unableToValidateCertificate: self = .certificate(.rejected)
        case .uncleanShutdown, .readInInvalidTLSState, .writeDuringTLSShutdown: self = .connectionClosed
        default: self = .tls("the certificates cannot be used")
        }
    }

    private init(library error: BoringSSLError) {
        guard case .sslError(let stack) = error else {
            self = .connectionClosed
            return
        }
        let reasons = stack.map(Self.reason)
        if stack.contains(.eofDuringHandshake) || stack.contains(.eofDuringAdditionalCertficiateChainValidation) {
            self = .connectionClosed
        } else if reasons.contains("certificate verify failed") {
            self = .certificate(.rejected)
        } else {
            self = .tls(reasons.first ?? "no reason given")
        }
    }

    /// `wrong version number` of `… error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER at …`.
    private static func reason(_ error: BoringSSLInternalError) -> String {
        let text = "\(error)"
        guard let mark = text.firstRange(of: "OPENSSL_internal:") else { return "no reason given" }
        let name = text[mark.upperBound...].prefix { $0 != " " }
        return name.lowercased().replacing("_", with: " ")
    }
}
