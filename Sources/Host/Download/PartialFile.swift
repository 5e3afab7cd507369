import Dispatch
import Glibc
import Support
import SystemPackage

import struct NIOCore.ByteBuffer

/// The unfinished file of a download: `NAME.partial`, with the server's entity tag in `NAME.partial.etag`.
///
/// All operations use the `*at` system calls below the given directory, so the directory may belong to another mount
/// namespace. The actor has its own queue, because writing, hashing and `fsync` block.
actor PartialFile {
    nonisolated let name: String
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    /// The number of bytes received so far.
    private(set) var count = 0
    /// The server's entity tag for the version of the file that these bytes belong to.
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

    /// The size of the finished file in bytes; nil when it is not there or has the wrong digest.
    ///
    /// A file with the wrong digest is removed. Beside a finished file, an unfinished one is removed.
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

    /// Opens the unfinished file of an earlier download, or creates an empty one, and hashes its content.
    ///
    /// - Returns: The number of bytes in it.
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

    /// Empties the file, for bytes of the version that `tag` names.
    func restart(tag newTag: String?) throws(DownloadError) {
        guard let file else { return }
        guard ftruncate(file.rawValue, 0) == 0, lseek(file.rawValue, 0, SEEK_SET) == 0 else {
            throw failure("truncate", partialName)
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

    /// The digest of the bytes received so far, in lower-case hexadecimal.
    var actualDigest: String { digest.hexadecimal }

    /// Writes the file to the disk and renames it to its own name.
    func commit() throws(DownloadError) {
        guard let file else { return }
        guard fsync(file.rawValue) == 0 else { throw failure("write", partialName) }
        guard renameat(directory.rawValue, partialName, directory.rawValue, name) == 0 else {
            throw failure("rename", partialName)
        }
        try remove(tagName)
        guard fsync(directory.rawValue) == 0 else { throw failure("sync the directory of", name) }
        close()
    }

    /// Removes the unfinished file and its entity tag.
    func discard() throws(DownloadError) {
        try remove(tagName)
        try remove(partialName)
        close()
    }

    /// Closes the file and releases the lock on it.
    ///
    /// The file stays.
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

    /// Reads a file from beginning to end, and leaves the position at the end.
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

    /// Writes all bytes.
    ///
    /// Returns the error, because `withUnsafeBytes` does not pass typed errors on; nil for success.
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

/// A serial executor that runs on a dispatch queue.
///
/// `DispatchSerialQueue` does not exist on Linux.
private final class QueueExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "download")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
