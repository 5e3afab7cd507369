package import SystemPackage

/// Why a file could not be fetched.
package enum DownloadError: Error, Sendable {
    /// The request has no address, or its file name is not one plain name.
    case badRequest(String)
    /// An address, or that of its proxy, cannot be used at all.
    case badAddress(String, cause: (any Error)?)
    /// The server's answer is final: not found, forbidden, gone.
    case refused(url: String, status: Int)
    /// A page for people came instead of the file: a captive portal or a proxy's error page.
    case webPage(url: String)
    /// The server has another file than the one asked for; nothing of it was kept.
    case wrongSize(url: String, expected: Int, actual: Int)
    /// The whole file came and is another one than the one asked for; nothing of it was kept.
    case wrongDigest(url: String, expected: String, actual: String)
    /// Every mirror failed again and again without a byte of progress; the cause is the last failure.
    case unavailable(attempts: Int, cause: DownloadFault)
    /// The deadline passed; what came so far is kept for the next try.
    case deadline(Duration, cause: DownloadFault?)
    /// The task was cancelled; what came so far is kept for the next try.
    case cancelled
    /// The file system is full; nothing that came was kept.
    case noSpace(name: String, received: Int)
    /// Another process is fetching the same file.
    case busy(name: String)
    /// A file operation failed.
    case file(operation: String, name: String, cause: Errno)

    package var cause: (any Error)? {
        switch self {
        case .badAddress(_, let cause): cause
        case .unavailable(_, let cause): cause
        case .deadline(_, let cause): cause
        case .file(_, _, let cause): cause
        case .badRequest, .refused, .webPage, .wrongSize, .wrongDigest, .cancelled, .noSpace, .busy: nil
        }
    }
}

extension DownloadError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .badRequest(let what): what
        case .badAddress(let address, _): "cannot use the address '\(address)'"
        case .refused(let url, let status): "\(url) answered with status \(status)"
        case .webPage(let url): "\(url) answered with a web page: a portal or proxy stands in between"
        case .wrongSize(let url, let expected, let actual):
            "\(url) has \(actual) bytes, the file asked for has \(expected)"
        case .wrongDigest(let url, let expected, let actual):
            "what came from \(url) has the digest \(actual), the file asked for has \(expected)"
        case .unavailable(let attempts, _): "gave up after \(attempts) attempts"
        case .deadline(let limit, _): "the download did not end within \(limit)"
        case .cancelled: "the download was cancelled"
        case .noSpace(let name, let received): "no space left for \(name) after \(received) bytes"
        case .busy(let name): "another process is fetching \(name)"
        case .file(let operation, let name, _): "cannot \(operation) \(name)"
        }
    }
}

/// Why one attempt failed, where another may not.
package enum DownloadFault: Error, Sendable {
    /// The network or the server's protocol failed.
    case network(url: String, cause: any Error)
    /// The server is out of order, or asks for patience.
    case status(url: String, status: Int, retryAfter: Duration?)
    /// The answer ended early.
    case cutShort(url: String, received: Int, expected: Int)
    /// What had come before this fetch was damaged: resumed, the whole had the wrong digest.
    case damagedRemainder(url: String)

    package var cause: (any Error)? {
        guard case .network(_, let cause) = self else { return nil }
        return cause
    }
}

extension DownloadFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .network(let url, _): "no answer, or no whole one, from \(url)"
        case .status(let url, let status, _): "\(url) answered with status \(status)"
        case .cutShort(let url, let received, let expected): "\(url) ended after \(received) of \(expected) bytes"
        case .damagedRemainder(let url): "the rest from \(url) does not fit what was there from before"
        }
    }
}
