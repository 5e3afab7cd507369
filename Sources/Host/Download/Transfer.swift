import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOSSL
import NetworkErrors
import Support

/// The attempts to download one file.
struct Transfer: Sendable {
    let request: DownloadRequest
    let file: PartialFile
    let proxies: ProxySettings
    let authorities: TrustedAuthorities?
    /// The largest accepted file whose size is not known, in bytes.
    let sizeLimit: Int
    let progress: @Sendable (DownloadProgress) -> Void

    /// How one attempt is made.
    struct Manner {
        /// Whether to ask for the missing part alone, when there is a part.
        var resumes = true
        /// Whether a server that sends too slowly is given up, because another may be faster.
        var expectsSpeed = false
    }

    /// Finishes a download that an earlier run completed but did not rename.
    ///
    /// - Returns: Whether the file is complete now.
    func takeWhole() async throws(DownloadError) -> Bool {
        guard await file.count > 0, await file.actualDigest == request.digest.hex else { return false }
        try await file.commit()
        return true
    }

    /// Requests the file, or the missing part of it, from one URL, and follows its redirects.
    ///
    /// - Throws: `DownloadFault` when another attempt may succeed, `DownloadError` when it will not.
    func attempt(_ url: String, _ manner: Manner) async throws {
        var path = RedirectPath(url)
        // The client's own redirects would hide what is wrong with one, and use one proxy for all hosts.
        while case .redirect(let location) = try await request(path.url, manner) {
            do throws(MessageError) { try path.follow(location) } catch {
                throw DownloadError.badRedirect(url: url, cause: error)
            }
        }
    }

    private enum Outcome: Sendable {
        case done
        case redirect(String?)
    }

    private func request(_ url: String, _ manner: Manner) async throws -> Outcome {
        let configuration = try configuration(for: url)
        do {
            return try await HTTPClient.withHTTPClient(configuration: configuration) { client in
                try await exchange(url, client, manner)
            }
        } catch let error as HTTPClientError where Self.lastingErrors.contains(error) {
            throw DownloadError.badAddress(url, cause: NetworkError(error))
        } catch let error where !(error is DownloadError || error is DownloadFault) {
            try Task.checkCancellation()
            let cause = await NetworkError.of(error, from: server(of: url))
            let proxy = try proxies.server(for: url).map { "\($0.host):\($0.port)" }
            guard !cause.isLasting else { throw DownloadError.lasting(url: url, proxy: proxy, cause: cause) }
            throw DownloadFault.network(url: url, proxy: proxy, cause: cause)
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
        .invalidURL, .emptyHost, .emptyScheme,
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
            redirectConfiguration: .disallow,
            timeout: HTTPClient.Configuration.Timeout(connect: min(stall, .seconds(30)), read: stall),
            proxy: proxy
        )
        // HTTP/2 has no advantage for one file on one connection, and its flow-control window is smaller.
        configuration.httpVersion = .http1Only
        if let authorities {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.additionalTrustRoots = [.certificates(authorities.certificates)]
            configuration.tlsConfiguration = tls
        }
        // Otherwise the client tries to connect until its timeout, although a mirror could be used.
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }

    private func exchange(_ url: String, _ client: HTTPClient, _ manner: Manner) async throws -> Outcome {
        let offset = await file.count
        let tag = manner.resumes && offset > 0 ? await file.tag : nil
        var message = HTTPClientRequest(url: url)
        message.headers.add(name: "user-agent", value: "gpu-agent")
        if let tag {
            message.headers.add(name: "range", value: "bytes=\(offset)-")
            message.headers.add(name: "if-range", value: tag.text)
        }
        // The download has a deadline of its own, and the client's would cover the response head only.
        let response = try await client.execute(message, deadline: .distantFuture)
        let status = Int(response.status.code)
        let total: Int?
        switch DownloadAnswer(status: status, header: { response.headers.first(name: $0) }) {
        case .whole(let size, let newTag):
            try await check(url, size)
            try await file.restart(tag: newTag)
            total = size
        case .part(let first, let size) where tag != nil:
            try await check(url, size)
            guard first == offset else {
                try await file.restart(tag: nil)
                throw DownloadFault.damagedRemainder(url: url)
            }
            total = size
        case .redirect(let location): return .redirect(location)
        case .webPage: throw DownloadError.webPage(url: url)
        case .later(let retryAfter): throw DownloadFault.status(url: url, status: status, retryAfter: retryAfter)
        case .refused where tag != nil:
            // The server may refuse only the range: the partial file is longer than the server's file (416), a firewall
            // forbids ranges (403), or the tag makes the head too large (431). The partial file stays until the whole
            // file arrives.
            return try await exchange(url, client, Manner(resumes: false, expectsSpeed: manner.expectsSpeed))
        case .refused, .part: throw DownloadError.refused(url: url, status: status)
        }
        try await receive(response.body, from: url, total: request.size ?? total, manner)
        try await accept(url, isWhole: status == 200)
        return .done
    }

    /// Checks the size that a head names, before the unfinished file is changed.
    private func check(_ url: String, _ total: Int?) async throws(DownloadError) {
        guard let total else { return }
        if let size = request.size {
            guard total == size else { throw .wrongSize(url: url, expected: size, actual: total) }
            guard await total <= file.room(reserve: 0) else {
                throw .noSpace(name: request.fileName, received: await file.count)
            }
        } else if total > sizeLimit {
            throw .tooLarge(url: url, limit: sizeLimit)
        } else if await total > file.room(reserve: request.reserve) {
            throw .noSpace(name: request.fileName, received: 0)
        }
    }

    private func receive(
        _ body: HTTPClientResponse.Body,
        from url: String,
        total: Int?,
        _ manner: Manner
    ) async throws {
        let room = request.size == nil ? await file.room(reserve: request.reserve) : .max
        var floor = RateFloor(bytesPerSecond: request.slowestRate, window: request.rateWindow, now: .now)
        for try await part in body {
            let received = await file.count + part.readableBytes
            if let size = request.size {
                guard received <= size else {
                    throw DownloadError.wrongSize(url: url, expected: size, actual: received)
                }
            } else if received > sizeLimit {
                throw DownloadError.tooLarge(url: url, limit: sizeLimit)
            }
            if received > room { throw DownloadError.noSpace(name: request.fileName, received: received) }
            try await file.append(part)
            progress(DownloadProgress(received: received, total: total))
            if let rate = floor.add(part.readableBytes, at: .now), manner.expectsSpeed {
                throw DownloadFault.tooSlow(url: url, bytesPerSecond: rate)
            }
        }
        // The body of a canceled request ends as if it were complete.
        try Task.checkCancellation()
        let received = await file.count
        if let total, received < total { throw DownloadFault.cutShort(url: url, received: received, expected: total) }
    }

    /// Verifies the digest and gives the file its own name.
    private func accept(_ url: String, isWhole: Bool) async throws {
        let actual = await file.actualDigest
        guard actual != request.digest.hex else { return try await file.commit() }
        try await file.restart(tag: nil)
        // After a crash, the partial file may contain garbage. Only the digest of one complete answer
        // proves that the server has the wrong file.
        guard isWhole else { throw DownloadFault.damagedRemainder(url: url) }
        throw DownloadError.wrongDigest(url: url, expected: request.digest.hex, actual: actual)
    }
}
