import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Support

/// One file on its way, attempt by attempt.
struct Transfer: Sendable {
    let request: DownloadRequest
    let file: PartialFile
    let proxies: ProxySettings
    let progress: @Sendable (DownloadProgress) -> Void

    /// Takes what an earlier fetch left, when that is the whole file and only its name is still wanting.
    func takeWhole() async throws(DownloadError) -> Bool {
        guard await file.count > 0, await file.actualDigest == request.digest.hex else { return false }
        try await file.commit()
        return true
    }

    /// Asks one address for the file, or for the rest of it.
    ///
    /// - Throws: `DownloadFault` where another attempt may go better, `DownloadError` where not.
    func attempt(_ url: String) async throws {
        let configuration = try configuration(for: url)
        do {
            try await HTTPClient.withHTTPClient(configuration: configuration) { client in
                try await exchange(url, client)
            }
        } catch let error as HTTPClientError where Self.lastingErrors.contains(error) {
            throw DownloadError.badAddress(url, cause: error)
        } catch let error where !(error is DownloadError || error is DownloadFault) {
            try Task.checkCancellation()
            throw DownloadFault.network(url: url, cause: error)
        }
    }

    private static let lastingErrors: [HTTPClientError] = [
        .invalidURL, .emptyHost, .emptyScheme, .redirectLimitReached, .redirectCycleDetected,
        .proxyAuthenticationRequired,
    ]

    private func configuration(for url: String) throws(DownloadError) -> HTTPClient.Configuration {
        let scheme = url.prefix { $0 != ":" }.lowercased()
        guard scheme == "https" || scheme == "http" else { throw .badAddress(url, cause: nil) }
        let proxy = try proxies.server(for: url).map { server in
            HTTPClient.Configuration.Proxy.server(
                host: server.host,
                port: server.port,
                authorization: server.user.map { .basic(username: $0, password: server.password ?? "") }
            )
        }
        let stall = TimeAmount(request.stallTimeout)
        var configuration = HTTPClient.Configuration(
            timeout: HTTPClient.Configuration.Timeout(connect: min(stall, .seconds(30)), read: stall),
            proxy: proxy
        )
        // One file on one connection: HTTP/2 brings only its smaller window.
        configuration.httpVersion = .http1Only
        // Left on, the client tries to connect until its timeout, where a mirror could be asked.
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }

    private func exchange(_ url: String, _ client: HTTPClient) async throws {
        let offset = await file.count
        let tag = await file.tag
        var message = HTTPClientRequest(url: url)
        message.headers.add(name: "user-agent", value: "gpu-agent")
        let resumes = offset > 0 && tag != nil
        if resumes, let tag {
            message.headers.add(name: "range", value: "bytes=\(offset)-")
            message.headers.add(name: "if-range", value: tag)
        }
        // No deadline here: the fetch has one, and the client's would hold for the head only.
        let response = try await client.execute(message, deadline: .distantFuture)
        let total: Int?
        switch response.status.code {
        case 200:
            total = response.headers.first(name: "content-length").flatMap { Int($0) }
            try await check(url, response.headers, total)
            try await file.restart(tag: response.headers.strongTag)
        case 206 where resumes:
            let range = response.headers.contentRange
            total = range?.total
            try await check(url, response.headers, total)
            guard range?.first == offset else {
                try await file.restart(tag: nil)
                throw DownloadFault.damagedRemainder(url: url)
            }
        case 416 where resumes:
            // What is there is longer than the file: from the begin, and so without a range.
            try await file.restart(tag: nil)
            return try await exchange(url, client)
        case 408, 425, 429, 500...599:
            let after = response.headers.first(name: "retry-after").flatMap { Int($0) }
            throw DownloadFault.status(
                url: url,
                status: Int(response.status.code),
                retryAfter: after.map { .seconds(max(0, $0)) }
            )
        default: throw DownloadError.refused(url: url, status: Int(response.status.code))
        }
        try await receive(response.body, from: url, total: request.size ?? total)
        try await accept(url, isWhole: response.status.code == 200)
    }

    /// Looks at an answer's head, before anything that is there is touched.
    private func check(_ url: String, _ headers: HTTPHeaders, _ total: Int?) async throws(DownloadError) {
        if headers.first(name: "content-type")?.lowercased().hasPrefix("text/html") == true { throw .webPage(url: url) }
        if let total, let size = request.size, total != size { try await refuse(url, size: total) }
    }

    private func receive(_ body: HTTPClientResponse.Body, from url: String, total: Int?) async throws {
        for try await part in body {
            let received = await file.count + part.readableBytes
            if let size = request.size, received > size { try await refuse(url, size: received) }
            try await file.append(part)
            progress(DownloadProgress(received: received, total: total))
        }
        // A cancelled body ends as if it were complete.
        try Task.checkCancellation()
        let received = await file.count
        if let total, received < total { throw DownloadFault.cutShort(url: url, received: received, expected: total) }
    }

    private func refuse(_ url: String, size: Int) async throws(DownloadError) {
        try await file.discard()
        throw .wrongSize(url: url, expected: request.size ?? 0, actual: size)
    }

    /// Gives the file its name, when it is the one that was asked for.
    private func accept(_ url: String, isWhole: Bool) async throws {
        let actual = await file.actualDigest
        guard actual != request.digest.hex else { return try await file.commit() }
        // A crash can leave bytes that were never written; only a digest of one whole answer speaks of the server.
        guard isWhole else {
            try await file.restart(tag: nil)
            throw DownloadFault.damagedRemainder(url: url)
        }
        try await file.discard()
        throw DownloadError.wrongDigest(url: url, expected: request.digest.hex, actual: actual)
    }
}

extension HTTPHeaders {
    /// The entity tag, unless it is a weak one, which says nothing of single bytes.
    fileprivate var strongTag: String? {
        first(name: "etag").flatMap { $0.hasPrefix("\"") ? $0 : nil }
    }

    /// `bytes 100-199/200`; the total may be `*`.
    fileprivate var contentRange: (first: Int, total: Int?)? {
        guard let text = first(name: "content-range"), text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/")
        guard parts.count == 2, let first = parts[0].split(separator: "-").first.flatMap({ Int($0) }) else {
            return nil
        }
        return (first, Int(parts[1]))
    }
}
