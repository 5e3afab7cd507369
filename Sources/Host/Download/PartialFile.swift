import CLinux
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
    private(set) var tag: EntityTag?

    private let executor = QueueExecutor()
    private let place: DownloadDirectory
    private let expected: Checksum
    private let sizes: ClosedRange<Int>
    private var digest: RunningDigest
    private var file: FileDescriptor?
    /// The number of bytes whose write to the disk has started.
    private var flushed = 0

    /// - Parameters:
    ///   - name: The name of the finished file.
    ///   - directory: The directory of the file.
    ///   - expected: The checksum that the finished file must have.
    ///   - sizes: The sizes that the finished file can have, in bytes.
    init(name: String, in directory: FileDescriptor, expected: Checksum, sizes: ClosedRange<Int>) {
        self.name = name
        self.expected = expected
        self.sizes = sizes
        place = DownloadDirectory(directory: directory, name: name)
        digest = RunningDigest(expected)
    }

    private var partialName: String { "\(name).partial" }
    private var tagName: String { "\(name).partial.etag" }

    /// The size of the finished file in bytes; nil when it is not there or has the wrong digest.
    ///
    /// A file with the wrong size or digest is removed. Beside a finished file, an unfinished one is removed.
    func finished() throws(DownloadError) -> Int? {
        guard let descriptor = try place.open(name, O_RDONLY, optional: true) else { return nil }
        defer { try? descriptor.close() }
        var found = RunningDigest(expected)
        // A file of another size is wrong, and hashing a huge one would take long.
        if sizes.contains(try place.size(of: descriptor, name)) {
            let size = try place.read(descriptor, named: name) { found.update($0) }
            if found.hexadecimal == expected.hex {
                try discard()
                return size
            }
        }
        try place.remove(name)
        return nil
    }

    /// Opens the unfinished file of an earlier download, or creates an empty one, and hashes its content.
    ///
    /// A file that is larger than the finished one can be is emptied.
    ///
    /// - Returns: The number of bytes in it.
    func begin() throws(DownloadError) -> Int {
        guard let descriptor = try place.open(partialName, O_RDWR | O_CREAT, optional: false) else { return 0 }
        file = descriptor
        guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            close()
            throw .busy(name: name)
        }
        guard try place.size(of: descriptor, partialName) <= sizes.upperBound else {
            try restart(tag: nil)
            return 0
        }
        count = try place.read(descriptor, named: partialName) { digest.update($0) }
        flushed = count
        tag = try readTag()
        return count
    }

    /// Empties the file, for bytes of the version that `tag` names.
    func restart(tag newTag: EntityTag?) throws(DownloadError) {
        guard let file else { return }
        // The tag of the old bytes goes first, so that it never stands beside other bytes.
        try place.remove(tagName)
        guard ftruncate(file.rawValue, 0) == 0, lseek(file.rawValue, 0, SEEK_SET) == 0 else {
            throw place.failure("truncate", partialName, received: count)
        }
        digest = RunningDigest(expected)
        (count, flushed) = (0, 0)
        tag = newTag
        guard let newTag else { return }
        let flags = O_WRONLY | O_CREAT | O_TRUNC
        guard let descriptor = try place.open(tagName, flags, optional: false) else { return }
        defer { try? descriptor.close() }
        let failure = Array(newTag.text.utf8).withUnsafeBytes { write($0, to: descriptor, named: tagName) }
        if let failure { throw failure }
        // Without this, a power failure can leave a tag of NUL characters.
        guard fsync(descriptor.rawValue) == 0 else { throw place.failure("write", tagName, received: count) }
    }

    func append(_ buffer: ByteBuffer) throws(DownloadError) {
        guard let file else { return }
        let failure = buffer.withUnsafeReadableBytes { write($0, to: file, named: partialName) }
        if let failure { throw failure }
        buffer.withUnsafeReadableBytes { digest.update($0) }
        count += buffer.readableBytes
        flush(file)
    }

    /// Starts to write the received bytes to the disk, in large pieces.
    ///
    /// The kernel would keep them in memory, and `commit` would then wait until a slow disk has taken the whole file.
    /// `commit` reports an error.
    private func flush(_ file: FileDescriptor) {
        guard count - flushed >= Self.piece else { return }
        gpa_begin_writeback(file.rawValue, off_t(flushed), off_t(count - flushed))
        flushed = count
    }

    /// The size of a piece that is written to the disk at once, in bytes.
    private static let piece = 8 << 20

    /// Whether the file is open and has no bytes.
    var isEmpty: Bool { file != nil && count == 0 }

    /// The digest of the bytes received so far, in lower-case hexadecimal.
    var actualDigest: String { digest.hexadecimal }

    /// How large the file may become before the file system has less free space than `reserve`, in bytes.
    func room(reserve: Int) -> Int {
        let (room, overflow) = count.addingReportingOverflow(max(0, place.freeBytes - reserve))
        return overflow ? .max : room
    }

    /// Writes the file to the disk and renames it to its own name.
    func commit() throws(DownloadError) {
        guard let file else { return }
        guard fsync(file.rawValue) == 0 else { throw place.failure("write", partialName, received: count) }
        try place.rename(partialName, to: name)
        try place.remove(tagName)
        try place.sync()
        close()
    }

    /// Removes the unfinished file and its entity tag.
    func discard() throws(DownloadError) {
        try place.remove(tagName)
        try place.remove(partialName)
        close()
    }

    /// Closes the file and releases the lock on it.
    ///
    /// The file stays.
    func close() {
        // A process that was started meanwhile can have the file for a moment, and would keep the lock.
        if let file { flock(file.rawValue, LOCK_UN) }
        try? file?.close()
        file = nil
    }

    /// The entity tag of an earlier download; nil when there is none, or when the file contains something else.
    private func readTag() throws(DownloadError) -> EntityTag? {
        guard let descriptor = try place.open(tagName, O_RDONLY, optional: true) else { return nil }
        defer { try? descriptor.close() }
        guard try place.size(of: descriptor, tagName) <= EntityTag.limit else { return nil }
        var bytes: [UInt8] = []
        _ = try place.read(descriptor, named: tagName) { bytes += $0 }
        return EntityTag(String(decoding: bytes, as: UTF8.self))
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
            guard count > 0 else { return place.failure("write", name, received: self.count) }
            rest = rest.dropFirst(count)
        }
        return nil
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
