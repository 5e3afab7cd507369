import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NetworkErrors
import Support

/// The attempts to download one file.
struct Transfer: Sendable {
    let request: DownloadRequest
    let file: PartialFile
    let proxies: ProxySettings
    let progress: @Sendable (DownloadProgress) -> Void

    /// Finishes a download that an earlier run completed but did not rename.
    ///
    /// - Returns: Whether the file is complete now.
    func takeWhole() async throws(DownloadError) -> Bool {
        guard await file.count > 0, await file.actualDigest == request.digest.hex else { return false }
        try await file.commit()
        return true
    }

    /// Requests the file, or the missing part of it, from one URL.
    ///
    /// - Throws: `DownloadFault` when another attempt may succeed, `DownloadError` when it will not.
    func attempt(_ url: String) async throws {
        let configuration = try configuration(for: url)
        do {
            try await HTTPClient.withHTTPClient(configuration: configuration) { client in
                try await exchange(url, client)
            }
        } catch let error as HTTPClientError where Self.lastingErrors.contains(error) {
            throw DownloadError.badAddress(url, cause: NetworkError(error))
        } catch let error where !(error is DownloadError || error is DownloadFault) {
            try Task.checkCancellation()
            throw DownloadFault.network(url: url, cause: await NetworkError.of(error, from: server(of: url)))
        }
    }

    /// The server behind a URL; nil when a proxy is between it and the agent.
    private func server(of url: String) -> (host: String, port: Int)? {
        guard let parsed = URL(string: url), parsed.scheme?.lowercased() == "https",
            let host = parsed.host(percentEncoded: false), (try? proxies.server(for: url)) == nil
        else { return nil }
        return (host, parsed.port ?? 443)
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
        // HTTP/2 has no advantage for one file on one connection, and its flow-control window is smaller.
        configuration.httpVersion = .http1Only
        // Otherwise the client tries to connect until its timeout, although a mirror could be used.
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
        // The download has a deadline of its own, and the client's would cover the response head only.
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
            // The unfinished file is longer than the file on the server. Start over, without a range.
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

    /// Checks the head of a response before the unfinished file is changed.
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
        // The body of a canceled request ends as if it were complete.
        try Task.checkCancellation()
        let received = await file.count
        if let total, received < total { throw DownloadFault.cutShort(url: url, received: received, expected: total) }
    }

    private func refuse(_ url: String, size: Int) async throws(DownloadError) {
        try await file.discard()
        throw .wrongSize(url: url, expected: request.size ?? 0, actual: size)
    }

    /// Verifies the digest and gives the file its own name.
    private func accept(_ url: String, isWhole: Bool) async throws {
        let actual = await file.actualDigest
        guard actual != request.digest.hex else { return try await file.commit() }
        // After a crash, the part from an earlier run may contain garbage. Only the digest of one complete answer
        // proves that the server has the wrong file.
        guard isWhole else {
            try await file.restart(tag: nil)
            throw DownloadFault.damagedRemainder(url: url)
        }
        try await file.discard()
        throw DownloadError.wrongDigest(url: url, expected: request.digest.hex, actual: actual)
    }
}

extension HTTPHeaders {
    /// The entity tag; nil for a weak one, which does not promise equal bytes.
    fileprivate var strongTag: String? {
        first(name: "etag").flatMap { $0.hasPrefix("\"") ? $0 : nil }
    }

    /// The first position and the total size of `bytes 100-199/200`.
    ///
    /// The total may be `*`, which gives nil.
    fileprivate var contentRange: (first: Int, total: Int?)? {
        guard let text = first(name: "content-range"), text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/")
        guard parts.count == 2, let first = parts[0].split(separator: "-").first.flatMap({ Int($0) }) else {
            return nil
        }
        return (first, Int(parts[1]))
    }
}
