import Support
package import SystemPackage

/// Why a connection or an HTTP exchange failed, in the words that an operator searches for.
///
/// It is the end of an error chain: the layer above names the request. `of(_:from:)` makes one from an error of
/// AsyncHTTPClient, SwiftNIO or NIOSSL.
package enum NetworkError: CausedError, Sendable, Equatable {
    /// Nothing listens on the port.
    case connectionRefused
    /// DNS has no address for this host name.
    case nameNotResolved(String)
    /// No connection within the time limit.
    case connectTimedOut
    /// The connection is there, and no data came within the time limit.
    case readTimedOut
    /// The other side closed the connection before the answer was complete.
    case connectionClosed
    /// The server's certificate is not trusted.
    case certificate(CertificateFault)
    /// The TLS handshake failed for another reason; the text is BoringSSL's.
    case tls(String)
    /// The proxy wants a user name and a password, or does not accept those it got.
    case proxyAuthenticationRequired
    /// The proxy did not open a tunnel to the server.
    case proxyRefused
    /// The request or the answer breaks the rules of HTTP.
    case http(String)
    /// Another error of the operating system, such as *no route to host* or *permission denied*.
    case system(Errno)
    /// The caller gave up before the answer came.
    case canceled
    /// An error that none of the above describes; the text is the library's.
    case other(String)

    package var cause: (any Error)? { nil }

    package var description: String {
        switch self {
        case .connectionRefused: "connection refused"
        case .nameNotResolved(let host): "cannot resolve the host name '\(host)'"
        case .connectTimedOut: "timed out while connecting"
        case .readTimedOut: "timed out while waiting for data"
        case .connectionClosed: "the other side closed the connection"
        case .certificate(let fault): fault.description
        case .tls(let reason): "the TLS handshake failed (\(reason))"
        case .proxyAuthenticationRequired: "the proxy requires a user name and a password"
        case .proxyRefused: "the proxy did not open a connection to the server"
        case .http(let reason): reason
        case .system(let code): "\(code)".lowercasedFirst
        case .canceled: "the request was canceled"
        case .other(let text): text
        }
    }
}

extension NetworkError {
    /// Whether the same request will fail again until somebody changes the server, its certificate or the
    /// configuration.
    ///
    /// A certificate that is not valid yet becomes valid when the clock of the node is set.
    package var isLasting: Bool {
        switch self {
        case .certificate(.expired), .certificate(.unknownAuthority), .certificate(.wrongHostName),
            .certificate(.rejected), .tls, .proxyAuthenticationRequired:
            true
        default: false
        }
    }
}

/// What is wrong with a server's certificate.
package enum CertificateFault: Sendable, Equatable, CustomStringConvertible {
    /// It was valid until this time (RFC 3339).
    case expired(String)
    /// It becomes valid at this time (RFC 3339); the clock of the node may be wrong.
    case notYetValid(String)
    /// No certificate authority that this client trusts has signed it.
    case unknownAuthority
    /// It is for other host names, and not for the host that the agent asked.
    case wrongHostName
    /// It was rejected, and the reason cannot be found out, for example behind a proxy.
    case rejected

    package var description: String {
        switch self {
        case .expired(let time): "the server's certificate has expired (\(time))"
        case .notYetValid(let time): "the server's certificate is not valid before \(time)"
        case .unknownAuthority: "the server's certificate is signed by an unknown authority"
        case .wrongHostName: "the server's certificate is for another host name"
        case .rejected: "the server's certificate has expired or is signed by an unknown authority"
        }
    }
}

extension String {
    var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
