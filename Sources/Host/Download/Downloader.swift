import Synchronization
package import SystemPackage

/// Downloads a file over HTTP into a directory and verifies its digest.
///
/// It retries, uses mirrors, and resumes a download that another process began. The unfinished file is called
/// `NAME.partial`. The file gets its own name only when it is complete on the disk and its digest is right.
package struct Downloader: Sendable {
    package let proxies: ProxySettings
    /// Nil when the authorities of the system are enough.
    let authorities: TrustedAuthorities?
    /// The largest accepted file whose size is not known, in bytes.
    package let sizeLimit: Int
    /// How long a server may send nothing before an attempt fails.
    package let stallTimeout: Duration
    private let backoff: Duration
    private let patience: Int

    /// The largest accepted file whose size is not known, without a limit in the configuration: 4 GiB.
    ///
    /// The largest driver packages have less than 500 MB.
    package static let usualSizeLimit = 4 << 30

    /// Creates a downloader.
    ///
    /// - Parameters:
    ///   - proxies: The proxies to use.
    ///   - authorities: Certificate authorities to trust in addition to those of the system.
    ///   - sizeLimit: The largest accepted file whose size the request does not name, in bytes.
    ///   - stallTimeout: How long a server may send nothing before an attempt fails.
    ///   - backoff: The wait after the first failure. It doubles after each further one, up to 32 times this value.
    ///   - patience: The number of attempts in a row without any progress after which the download fails.
    package init(
        proxies: ProxySettings = ProxySettings(),
        authorities: TrustedAuthorities? = nil,
        sizeLimit: Int = usualSizeLimit,
        stallTimeout: Duration = .seconds(60),
        backoff: Duration = .seconds(1),
        patience: Int = 8
    ) {
        self.proxies = proxies
        self.authorities = authorities
        self.sizeLimit = sizeLimit
        self.stallTimeout = stallTimeout
        self.backoff = backoff
        self.patience = patience
    }

    /// Downloads a file, unless the directory already has it.
    ///
    /// A network failure and the statuses 408, 425, 429 and 5xx are retried, at the next mirror first and with growing
    /// waits. Any other refusal excludes that URL, and so does a file with the wrong digest or size. When every URL is
    /// excluded, the download fails.
    ///
    /// - Parameters:
    ///   - request: The file. Its deadline covers the whole download.
    ///   - directory: The directory for the file. It is used with the `*at` system calls only.
    ///   - progress: Called for each received part. It must return at once.
    ///   - onRetry: Called for each failure of the network or of a server after which the download goes on. It must return
    ///     at once.
    /// - Returns: Whether the file was already there, and how much of it an earlier run had left.
    /// - Throws: The error that ended the download.
    package func fetch(
        _ request: DownloadRequest,
        into directory: FileDescriptor,
        progress: @escaping @Sendable (DownloadProgress) -> Void = { _ in },
        onRetry: @escaping @Sendable (DownloadFault) -> Void = { _ in }
    ) async throws(DownloadError) -> DownloadResult {
        try check(request)
        let last = LastFault()
        do {
            return try await withThrowingTaskGroup { group in
                defer { group.cancelAll() }
                group.addTask {
                    let file = PartialFile(
                        name: request.fileName,
                        in: directory,
                        expected: request.digest,
                        sizes: request.sizes(limit: sizeLimit)
                    )
                    let transfer = Transfer(
                        request: request,
                        file: file,
                        proxies: proxies,
                        authorities: authorities,
                        sizeLimit: sizeLimit,
                        progress: progress
                    )
                    return try await finish(transfer) { fault in
                        last.fault.withLock { $0 = fault }
                        onRetry(fault)
                    }
                }
                group.addTask {
                    try await Task.sleep(for: request.deadline)
                    throw DownloadError.deadline(request.deadline, cause: last.fault.withLock { $0 })
                }
                guard let result = try await group.next() else { throw CancellationError() }
                return result
            }
        } catch let error as DownloadError {
            throw error
        } catch {
            throw .cancelled
        }
    }

    private func check(_ request: DownloadRequest) throws(DownloadError) {
        guard !request.urls.isEmpty else { throw .badRequest("there is no URL for \(request.fileName)") }
        let name = request.fileName
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(where: { $0 == 0x2f || $0 == 0 }) else {
            throw .badRequest("'\(name)' is not a valid file name")
        }
    }

    /// Runs a transfer and closes its file, whether it succeeds or fails.
    private func finish(
        _ transfer: Transfer,
        onRetry: (DownloadFault) -> Void
    ) async throws -> DownloadResult {
        do {
            let result = try await run(transfer, onRetry: onRetry)
            await transfer.file.close()
            return result
        } catch {
            switch error as? DownloadError {
            // A full disk hurts the whole node, so the space is worth more than the received part.
            case .noSpace, .wrongSize, .tooLarge, .wrongDigest: try? await transfer.file.discard()
            case .busy: break
            default:
                // An empty file is nothing to continue from.
                if await transfer.file.isEmpty { try? await transfer.file.discard() }
            }
            await transfer.file.close()
            throw error
        }
    }

    private func run(_ transfer: Transfer, onRetry: (DownloadFault) -> Void) async throws -> DownloadResult {
        if let size = try await transfer.file.finished() { return .alreadyThere(size: size) }
        let before = try await transfer.file.begin()
        if try await transfer.takeWhole() { return .downloaded(size: before, resumedFrom: before) }
        var mirrors = Mirrors(transfer.request.urls)
        var attempts = 0
        var fruitless = 0
        var isFirstRound = true
        while true {
            let round = mirrors.ready(at: .now)
            for (index, url) in round.enumerated() {
                let had = await transfer.file.count
                attempts += 1
                // A server that fails twice for a range may fail for every range, so ask for the whole file then. A
                // slow server is better than none, so the last mirror may be slow, and each of them in later rounds.
                let manner = Transfer.Manner(
                    resumes: fruitless < 2,
                    expectsSpeed: isFirstRound && index + 1 < round.count
                )
                do {
                    try await transfer.attempt(url, manner)
                    return .downloaded(size: await transfer.file.count, resumedFrom: before)
                } catch let fault as DownloadFault {
                    fruitless = await transfer.file.count > had ? 0 : fruitless + 1
                    guard fruitless < patience else {
                        throw DownloadError.unavailable(attempts: attempts, cause: fault)
                    }
                    onRetry(fault)
                    if case .status(_, _, let retryAfter?) = fault { mirrors.rest(url, until: .now + retryAfter) }
                } catch let error as DownloadError where error.isOfOneAddress {
                    try mirrors.exclude(url, for: error)
                }
            }
            isFirstRound = false
            let jitter = Double.random(in: 1...1.25)
            let pause = backoff * Double(1 << min(fruitless, 5)) * jitter
            try await Task.sleep(for: max(pause, mirrors.wait(from: .now)))
        }
    }
}

/// The URLs of a file that may still answer.
private struct Mirrors {
    private var urls: [String]
    /// When a server that asked for patience may be asked again.
    private var rests: [String: ContinuousClock.Instant] = [:]
    /// Why URLs were excluded.
    private var errors: [DownloadError] = []

    init(_ urls: [String]) {
        self.urls = urls.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    func ready(at now: ContinuousClock.Instant) -> [String] { urls.filter { rests[$0].map { $0 <= now } ?? true } }

    mutating func rest(_ url: String, until instant: ContinuousClock.Instant) { rests[url] = instant }

    /// How long until one of them may be asked.
    func wait(from now: ContinuousClock.Instant) -> Duration {
        urls.map { rests[$0].map { max($0 - now, .zero) } ?? .zero }.min() ?? .zero
    }

    /// Does not ask a URL again.
    ///
    /// - Throws: When no URL is left: a wrong digest if there was one, because someone may have changed the file;
    ///   otherwise the last error.
    mutating func exclude(_ url: String, for error: DownloadError) throws(DownloadError) {
        urls.removeAll { $0 == url }
        errors.append(error)
        guard urls.isEmpty else { return }
        throw errors.first { if case .wrongDigest = $0 { true } else { false } } ?? error
    }
}

extension DownloadError {
    /// Whether the error is about this URL alone, so that a mirror may still have the file.
    fileprivate var isOfOneAddress: Bool {
        switch self {
        case .badAddress, .badProxy, .badRedirect, .lasting, .refused, .webPage, .wrongSize, .tooLarge, .wrongDigest:
            true
        default: false
        }
    }
}

/// The last failure, which becomes the cause when the deadline passes.
private final class LastFault: Sendable {
    let fault = Mutex<DownloadFault?>(nil)
}
