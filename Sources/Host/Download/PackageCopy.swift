import Dispatch
package import Support
package import SystemPackage

import struct NIOCore.ByteBuffer

/// Copies a file from a directory of the host that does not belong to the agent, and verifies its digest.
///
/// The agent hashes the bytes that it writes. So it does not matter when the file in the directory changes, during the
/// copy or later. The unfinished copy is called `NAME.partial`, like that of a download.
package struct PackageCopy: Sendable {
    /// The directory that has the file: a mounted image, a network file system or a directory of the host.
    package var source: HostPath
    package var fileName: String
    package var digest: Checksum
    /// The expected size in bytes, when it is known.
    package var size: Int?
    /// The time limit for the whole copy.
    package var deadline: Duration
    /// How long the file system may take for one answer.
    package var stallTimeout: Duration
    /// The reads can hang, so they have a thread of their own.
    private let queue = DispatchQueue(label: "package-copy")

    package init(
        source: HostPath,
        fileName: String,
        digest: Checksum,
        size: Int?,
        deadline: Duration,
        stallTimeout: Duration = .seconds(60)
    ) {
        self.source = source
        self.fileName = fileName
        self.digest = digest
        self.size = size
        self.deadline = deadline
        self.stallTimeout = stallTimeout
    }

    private var path: HostPath { source.appending(fileName) }

    /// Copies the file, unless the target directory already has it.
    ///
    /// - Parameters:
    ///   - root: The host's root directory. No symbolic link of the source leads outside of it.
    ///   - target: The agent's own directory for the copy.
    ///   - progress: Called for each part. It must return at once.
    /// - Returns: Whether the file was already there.
    /// - Throws: The error that ended the copy. The target directory then has no part of the file.
    package func run(
        from root: HostRoot,
        into target: FileDescriptor,
        progress: @Sendable (DownloadProgress) -> Void = { _ in }
    ) async throws(PackageSourceError) -> DownloadResult {
        let file = PartialFile(
            name: fileName,
            in: target,
            expected: digest,
            sizes: size.map { max($0, 0)...max($0, 0) } ?? 0...Int.max
        )
        if let size = try await onTarget({ () async throws(DownloadError) in try await file.finished() }) {
            return .alreadyThere(size: size)
        }
        let found = try await answer { open(root) }
        if let size, found.size != size { throw .wrongSize(path, expected: size, actual: found.size) }
        try await onTarget { () async throws(DownloadError) in
            _ = try await file.begin()
            try await file.restart(tag: nil)
        }
        do throws(PackageSourceError) {
            try await copy(found, to: file, progress)
            try await onTarget { () async throws(DownloadError) in try await file.commit() }
        } catch {
            try? await file.discard()
            throw error
        }
        return .downloaded(size: found.size, resumedFrom: 0)
    }

    private func copy(
        _ found: SourceFile,
        to file: PartialFile,
        _ progress: @Sendable (DownloadProgress) -> Void
    ) async throws(PackageSourceError) {
        let end = ContinuousClock.now + deadline
        guard await file.room(reserve: 0) >= found.size else { throw .target(.noSpace(name: fileName, received: 0)) }
        var received = 0
        while true {
            let offset = UInt64(received)
            let bytes = try await answer { read(found, at: offset) }
            guard !bytes.isEmpty else { break }
            received += bytes.count
            guard received <= found.size else { throw .wrongSize(path, expected: found.size, actual: received) }
            try await onTarget { () async throws(DownloadError) in try await file.append(ByteBuffer(bytes: bytes)) }
            progress(DownloadProgress(received: received, total: found.size))
            guard ContinuousClock.now < end else { throw .deadline(path, deadline) }
        }
        guard received == found.size else { throw .wrongSize(path, expected: found.size, actual: received) }
        let actual = await file.actualDigest
        guard actual == digest.hex else { throw .wrongDigest(path, expected: digest.hex, actual: actual) }
    }

    // MARK: Reads

    private func open(_ root: HostRoot) -> Result<SourceFile, PackageSourceError> {
        do throws(HostError) {
            guard let status = try root.status(source) else { return .failure(.noDirectory(source)) }
            guard status.kind == .directory else { throw .file(.list, source, cause: .notDirectory) }
        } catch { return .failure(.directoryUnreadable(source, cause: error)) }
        do throws(HostError) {
            let path = try source.entry(fileName)
            if let file = try root.openFile(path) {
                let size = try root.status(of: file, path).size
                return .success(SourceFile(file, size: size))
            }
        } catch { return .failure(.fileUnreadable(path, cause: error)) }
        do throws(HostError) {
            let packages = (try root.list(source) ?? []).filter { $0.hasSuffix(".run") }
            return .failure(.noFile(path, found: packages.prefix(5).map { $0.visible.shortened(to: 200) }))
        } catch { return .failure(.directoryUnreadable(source, cause: error)) }
    }

    private func read(_ found: SourceFile, at offset: UInt64) -> Result<[UInt8], PackageSourceError> {
        do throws(Errno) { return .success(try found.file.read(at: offset, count: 1 << 20)) } catch {
            return .failure(.fileUnreadable(path, cause: .file(.read, path, cause: error)))
        }
    }

    /// Waits for a read, but not for one that hangs.
    private func answer<Value: Sendable>(
        _ work: @escaping @Sendable () -> Result<Value, PackageSourceError>
    ) async throws(PackageSourceError) -> Value {
        let first = FirstAnswer<Result<Value, PackageSourceError>>()
        queue.async {
            guard !first.isGiven else { return }
            first.give(work())
        }
        return try await first.answer(
            within: stallTimeout,
            otherwise: .failure(.hangs(path, stallTimeout)),
            whenCancelled: .failure(.cancelled)
        ).get()
    }

    private func onTarget<Value: Sendable>(
        _ work: () async throws(DownloadError) -> Value
    ) async throws(PackageSourceError) -> Value {
        do throws(DownloadError) { return try await work() } catch { throw .target(error) }
    }
}

/// The open file, which stays open until the last read returns, even one that hangs.
private final class SourceFile: Sendable {
    let file: OpenFile
    /// The size in bytes when the file was opened.
    let size: Int

    init(_ file: consuming OpenFile, size: Int) {
        self.file = file
        self.size = size
    }
}
