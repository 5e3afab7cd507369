import Synchronization
package import SystemPackage

/// Fetches a file over HTTP into a directory, through bad networks, restarts and mirrors, and only the right one.
///
/// What has come is kept as `NAME.partial` and carried on with the next time, by this process or another; the file has
/// its own name only once all of it is on the disk and its digest is right.
package struct Downloader: Sendable {
    let proxies: ProxySettings
    private let backoff: Duration
    private let patience: Int

    /// A downloader.
    ///
    /// - Parameters:
    ///   - proxies: The proxies to go through.
    ///   - backoff: The wait after the first failure; it doubles up to 32 times as much.
    ///   - patience: How many attempts in a row may bring nothing before it gives up.
    package init(proxies: ProxySettings = ProxySettings(), backoff: Duration = .seconds(1), patience: Int = 8) {
        self.proxies = proxies
        self.backoff = backoff
        self.patience = patience
    }

    /// Fetches a file, if it is not there yet.
    ///
    /// A failure of the network, a status 5xx or 429 is tried again, at the next mirror first and with growing waits;
    /// any other refusal ends the attempts at that address. A file with another digest or size ends them all.
    ///
    /// - Parameters:
    ///   - request: What to fetch. Its deadline holds for everything together.
    ///   - directory: Where the file goes; used with the `*at` calls only.
    ///   - progress: Called for each part that comes, often; it must return at once.
    /// - Returns: Whether it was there, or how much of it.
    /// - Throws: What ended the attempts.
    package func fetch(
        _ request: DownloadRequest,
        into directory: FileDescriptor,
        progress: @escaping @Sendable (DownloadProgress) -> Void = { _ in }
    ) async throws(DownloadError) -> DownloadResult {
        try check(request)
        let last = LastFault()
        do {
            return try await withThrowingTaskGroup { group in
                defer { group.cancelAll() }
                group.addTask {
                    let file = PartialFile(name: request.fileName, in: directory, expected: request.digest)
                    let transfer = Transfer(request: request, file: file, proxies: proxies, progress: progress)
                    return try await finish(transfer) { fault in last.fault.withLock { $0 = fault } }
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
        guard !request.urls.isEmpty else { throw .badRequest("no address to fetch \(request.fileName) from") }
        let name = request.fileName
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(where: { $0 == 0x2f || $0 == 0 }) else {
            throw .badRequest("'\(name)' is not the name of a file")
        }
    }

    /// Runs a transfer, and lets go of its file however it ends.
    private func finish(
        _ transfer: Transfer,
        onFault: (DownloadFault) -> Void
    ) async throws -> DownloadResult {
        do {
            let result = try await run(transfer, onFault: onFault)
            await transfer.file.close()
            return result
        } catch {
            // A full disk hurts the whole node: there the remainder is worth less than the space.
            if case DownloadError.noSpace = error { try? await transfer.file.discard() }
            await transfer.file.close()
            throw error
        }
    }

    private func run(_ transfer: Transfer, onFault: (DownloadFault) -> Void) async throws -> DownloadResult {
        if let size = try await transfer.file.finished() { return .alreadyThere(size: size) }
        let before = try await transfer.file.begin()
        if try await transfer.takeWhole() { return .downloaded(size: before, resumedFrom: before) }
        var mirrors = transfer.request.urls
        var attempts = 0
        var fruitless = 0
        while true {
            var wait = Duration.zero
            for url in mirrors {
                let had = await transfer.file.count
                attempts += 1
                do {
                    try await transfer.attempt(url)
                    return .downloaded(size: await transfer.file.count, resumedFrom: before)
                } catch let fault as DownloadFault {
                    onFault(fault)
                    fruitless = await transfer.file.count > had ? 0 : fruitless + 1
                    guard fruitless < patience else {
                        throw DownloadError.unavailable(attempts: attempts, cause: fault)
                    }
                    if case .status(_, _, let retryAfter?) = fault { wait = max(wait, retryAfter) }
                } catch let error as DownloadError where error.isOfOneAddress {
                    mirrors.removeAll { $0 == url }
                    guard !mirrors.isEmpty else { throw error }
                }
            }
            let jitter = Double.random(in: 1...1.25)
            try await Task.sleep(for: max(wait, backoff * Double(1 << min(fruitless, 5)) * jitter))
        }
    }
}

extension DownloadError {
    /// Whether a mirror may still have the file.
    fileprivate var isOfOneAddress: Bool {
        switch self {
        case .badAddress, .refused, .webPage: true
        default: false
        }
    }
}

/// What went wrong last, for the one who asks when the deadline passes.
private final class LastFault: Sendable {
    let fault = Mutex<DownloadFault?>(nil)
}
