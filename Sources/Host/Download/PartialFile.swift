import Dispatch
import Glibc
import Support
import SystemPackage

import struct NIOCore.ByteBuffer

/// The file of one download while it is not finished: `NAME.partial`, and `NAME.partial.etag` beside it.
///
/// Everything is done below the given directory with the `*at` calls, so the directory may be of another mount
/// namespace. An actor on a queue of its own, because writing, hashing and `fsync` block.
actor PartialFile {
    nonisolated let name: String
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    /// How many bytes there are.
    private(set) var count = 0
    /// The server's name for the version of the file these bytes are of.
    private(set) var tag: String?

    private let executor = QueueExecutor()
    private let directory: FileDescriptor
    private let expected: Checksum
    private var digest: RunningDigest
    private var file: FileDescriptor?

    init(name: String, in directory: FileDescriptor, expected: Checksum) {
        self.name = name
        self.directory = directory
        self.expected = expected
        digest = RunningDigest(expected)
    }

    private var partialName: String { "\(name).partial" }
    private var tagName: String { "\(name).partial.etag" }

    /// The size of the finished file, when it is there and has the right digest.
    ///
    /// One with another digest, and an unfinished one beside a finished, are removed.
    func finished() throws(DownloadError) -> Int? {
        guard let descriptor = try open(name, O_RDONLY, optional: true) else { return nil }
        defer { try? descriptor.close() }
        var found = RunningDigest(expected)
        let size = try hash(descriptor, named: name) { found.update($0) }
        guard found.hexadecimal == expected.hex else {
            try remove(name)
            return nil
        }
        try discard()
        return size
    }

    /// Opens what an earlier fetch left, or a new empty file, and hashes it.
    ///
    /// - Returns: How many bytes there are.
    func begin() throws(DownloadError) -> Int {
        guard let descriptor = try open(partialName, O_RDWR | O_CREAT, optional: false) else { return 0 }
        file = descriptor
        guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            close()
            throw .busy(name: name)
        }
        count = try hash(descriptor, named: partialName) { digest.update($0) }
        tag = try readTag()
        return count
    }

    /// Forgets what there is and begins again, with bytes of the version that `tag` names.
    func restart(tag newTag: String?) throws(DownloadError) {
        guard let file else { return }
        guard ftruncate(file.rawValue, 0) == 0, lseek(file.rawValue, 0, SEEK_SET) == 0 else {
            throw failure("empty", partialName)
        }
        digest = RunningDigest(expected)
        count = 0
        tag = newTag
        guard let newTag else { return try remove(tagName) }
        guard let descriptor = try open(tagName, O_WRONLY | O_CREAT | O_TRUNC, optional: false) else { return }
        defer { try? descriptor.close() }
        let failure = Array(newTag.utf8).withUnsafeBytes { write($0, to: descriptor, named: tagName) }
        if let failure { throw failure }
    }

    func append(_ buffer: ByteBuffer) throws(DownloadError) {
        guard let file else { return }
        let failure = buffer.withUnsafeReadableBytes { write($0, to: file, named: partialName) }
        if let failure { throw failure }
        buffer.withUnsafeReadableBytes { digest.update($0) }
        count += buffer.readableBytes
    }

    /// The digest of what there is, in lower-case hexadecimal.
    var actualDigest: String { digest.hexadecimal }

    /// Makes the file durable under its own name.
    func commit() throws(DownloadError) {
        guard let file else { return }
        guard fsync(file.rawValue) == 0 else { throw failure("write", partialName) }
        guard renameat(directory.rawValue, partialName, directory.rawValue, name) == 0 else {
            throw failure("rename", partialName)
        }
        try remove(tagName)
        guard fsync(directory.rawValue) == 0 else { throw failure("write the directory of", name) }
        close()
    }

    /// Removes what there is.
    func discard() throws(DownloadError) {
        try remove(tagName)
        try remove(partialName)
        close()
    }

    /// Lets go of the file and of the lock on it; what there is stays.
    func close() {
        try? file?.close()
        file = nil
    }

    private func open(_ name: String, _ flags: CInt, optional: Bool) throws(DownloadError) -> FileDescriptor? {
        let descriptor = openat(directory.rawValue, name, flags | O_CLOEXEC | O_NOFOLLOW, 0o644)
        if descriptor >= 0 { return FileDescriptor(rawValue: descriptor) }
        if optional, errno == ENOENT { return nil }
        throw failure("open", name)
    }

    /// Reads a file from its begin to its end, and leaves the position there.
    private func hash(
        _ descriptor: FileDescriptor,
        named name: String,
        _ update: (UnsafeRawBufferPointer) -> Void
    ) throws(DownloadError) -> Int {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        var total = 0
        while true {
            let count = read(descriptor.rawValue, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", name) }
            guard count > 0 else { return total }
            update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            total += count
        }
    }

    private func readTag() throws(DownloadError) -> String? {
        guard let descriptor = try open(tagName, O_RDONLY, optional: true) else { return nil }
        defer { try? descriptor.close() }
        var bytes: [UInt8] = []
        _ = try hash(descriptor, named: tagName) { bytes += $0 }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    /// Writes all of the bytes; nil when that went well, for a typed error does not pass through `withUnsafeBytes`.
    private func write(
        _ bytes: UnsafeRawBufferPointer,
        to descriptor: FileDescriptor,
        named name: String
    ) -> DownloadError? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let unwritten = UnsafeRawBufferPointer(rebasing: rest)
            let count = Glibc.write(descriptor.rawValue, unwritten.baseAddress, unwritten.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return failure("write", name) }
            rest = rest.dropFirst(count)
        }
        return nil
    }

    private func remove(_ name: String) throws(DownloadError) {
        guard unlinkat(directory.rawValue, name, 0) == 0 || errno == ENOENT else { throw failure("remove", name) }
    }

    private func failure(_ operation: String, _ name: String) -> DownloadError {
        let code = Errno(rawValue: errno)
        guard code != .noSpace, code != .diskQuotaExceeded else { return .noSpace(name: self.name, received: count) }
        return .file(operation: operation, name: name, cause: code)
    }
}

/// A serial executor over a queue: `DispatchSerialQueue` does not exist on Linux.
private final class QueueExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "download")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
