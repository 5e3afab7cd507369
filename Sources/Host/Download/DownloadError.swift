package import NetworkErrors
package import Support
package import SystemPackage

/// Why a file could not be downloaded.
package enum DownloadError: CausedError, Sendable {
    /// The request has no URL, or its file name is not a plain name.
    case badRequest(String)
    /// A URL cannot be used at all.
    case badAddress(String, cause: (any Error)?)
    /// The environment variable or the key of the configuration with this name does not contain the URL of an HTTP
    /// proxy. The URL can have a password, so it is not a part of the error.
    case badProxy(setting: String)
    /// The server redirects the request to somewhere that cannot be requested; the cause says why.
    case badRedirect(url: String, cause: MessageError)
    /// The connection failed for a reason that waiting does not change, such as a certificate that is not trusted.
    /// `proxy` is the proxy that the request used (`HOST:PORT`).
    case lasting(url: String, proxy: String? = nil, cause: NetworkError)
    /// The server refused the request permanently: not found, forbidden, gone.
    case refused(url: String, status: Int)
    /// A web page came instead of the file, as captive portals and proxies send it.
    case webPage(url: String)
    /// The file on the server does not have the expected size, in bytes. Nothing was kept.
    case wrongSize(url: String, expected: Int, actual: Int)
    /// The size of the file is not known, and it has more bytes than the limit. Nothing was kept.
    case tooLarge(url: String, limit: Int)
    /// The file was received completely and does not have the expected digest. Nothing was kept.
    case wrongDigest(url: String, expected: String, actual: String)
    /// Every mirror failed several times without any progress. The cause is the last failure.
    case unavailable(attempts: Int, cause: DownloadFault)
    /// The deadline passed. The received part is kept for the next try.
    case deadline(Duration, cause: DownloadFault?)
    /// The task was canceled. The received part is kept for the next try.
    case cancelled
    /// The file system is full. Nothing was kept.
    case noSpace(name: String, received: Int)
    /// Another process is downloading the same file.
    case busy(name: String)
    /// A file operation failed; `operation` is its verb.
    case file(operation: String, name: String, cause: Errno)

    package var cause: (any Error)? {
        switch self {
        case .badAddress(_, let cause): cause
        case .unavailable(_, let cause): cause
        case .deadline(_, let cause): cause
        case .file(_, _, let cause): cause
        case .badRedirect(_, let cause): cause
        case .lasting(_, _, let cause): cause
        case .badRequest, .badProxy, .refused, .webPage, .wrongSize, .tooLarge, .wrongDigest, .cancelled, .noSpace,
            .busy:
            nil
        }
    }
}

extension DownloadError {
    package var description: String {
        switch self {
        case .badRequest(let what): what
        case .badAddress(let address, _): "cannot use the URL '\(redacted(address))'"
        case .badProxy(let setting): "\(setting) is not the URL of an HTTP proxy (http://HOST:PORT)"
        case .lasting(let url, let proxy, _): "cannot download \(redacted(url))\(through(proxy))"
        case .badRedirect(let url, _): "cannot follow the redirect from \(redacted(url))"
        case .refused(let url, let status): "\(redacted(url)) answered with status \(status)"
        case .webPage(let url):
            "\(redacted(url)) answered with a web page, probably from a captive portal or a proxy"
        case .wrongSize(let url, let expected, let actual):
            "the file at \(redacted(url)) has \(actual) bytes, expected \(expected)"
        case .tooLarge(let url, let limit): "the file at \(redacted(url)) has more than \(limit) bytes"
        case .wrongDigest(let url, let expected, let actual):
            "the file from \(redacted(url)) has the checksum \(actual), expected \(expected)"
        case .unavailable(let attempts, _): "the download failed after \(attempts) attempts"
        case .deadline(let limit, _): "the download did not finish within \(limit)"
        case .cancelled: "the download was canceled"
        case .noSpace(let name, let received): "no space left on the device for \(name) after \(received) bytes"
        case .busy(let name): "another process is downloading \(name)"
        case .file(let operation, let name, _): "cannot \(operation) \(name)"
        }
    }
}

/// Why one attempt to download a file failed, where another attempt may succeed.
package enum DownloadFault: CausedError, Sendable {
    /// The connection or the HTTP exchange failed; the cause is a `NetworkError`. `proxy` is the proxy that the request
    /// used (`HOST:PORT`).
    case network(url: String, proxy: String? = nil, cause: any Error)
    /// The server answered with a status that may pass, and perhaps with the time to wait.
    case status(url: String, status: Int, retryAfter: Duration?)
    /// The answer ended before all bytes were received.
    case cutShort(url: String, received: Int, expected: Int)
    /// The server sent too slowly, and another mirror may be faster.
    case tooSlow(url: String, bytesPerSecond: Int)
    /// A resumed download had the wrong digest, so the partial file from an earlier run was damaged.
    case damagedRemainder(url: String)

    package var cause: (any Error)? {
        guard case .network(_, _, let cause) = self else { return nil }
        return cause
    }
}

extension DownloadFault {
    package var description: String {
        switch self {
        case .network(let url, let proxy, _): "cannot download \(redacted(url))\(through(proxy))"
        case .status(let url, let status, _): "\(redacted(url)) answered with status \(status)"
        case .cutShort(let url, let received, let expected):
            "the response from \(redacted(url)) ended after \(received) of \(expected) bytes"
        case .tooSlow(let url, let rate): "\(redacted(url)) sent only \(rate) bytes per second"
        case .damagedRemainder(let url):
            "the partial file from an earlier download does not match the file at \(redacted(url))"
        }
    }
}

private func through(_ proxy: String?) -> String { proxy.map { " through the proxy \($0)" } ?? "" }

extension DownloadError {
    /// The proxy of the request that failed (`HOST:PORT`); nil when the request used none, or when its failure has nothing
    /// to do with the connection.
    package var proxy: String? {
        switch self {
        case .lasting(_, let proxy, _), .unavailable(_, .network(_, let proxy, _)),
            .deadline(_, .network(_, let proxy, _)?):
            proxy
        default: nil
        }
    }
}
