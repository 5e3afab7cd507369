import Glibc
import SystemPackage

/// The files of a download in their directory: regular files of the agent's own user, each under one name.
///
/// Anything else that has one of their names is put aside as `NAME.bad`: a symbolic link or a second name leads to a
/// file of somebody else, and opening a pipe can wait forever.
struct DownloadDirectory: Sendable {
    let directory: FileDescriptor
    /// The name of the finished file, for errors.
    let name: String

    /// Opens a file; nil when it does not exist and is `optional`.
    func open(_ name: String, _ flags: CInt, optional: Bool) throws(DownloadError) -> FileDescriptor? {
        var status = stat()
        if fstatat(directory.rawValue, name, &status, AT_SYMLINK_NOFOLLOW) == 0, !isOwn(status) { try putAside(name) }
        let number = openat(directory.rawValue, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
        guard number >= 0 else {
            if optional, errno == ENOENT { return nil }
            throw failure("open", name)
        }
        let descriptor = FileDescriptor(rawValue: number)
        // Another process can have replaced the file meanwhile.
        guard fstat(number, &status) == 0, isOwn(status) else {
            try? descriptor.close()
            throw .file(operation: "open", name: name, cause: .invalidArgument)
        }
        return descriptor
    }

    /// The size of an open file in bytes.
    func size(of descriptor: FileDescriptor, _ name: String) throws(DownloadError) -> Int {
        var status = stat()
        guard fstat(descriptor.rawValue, &status) == 0 else { throw failure("open", name) }
        return Int(status.st_size)
    }

    /// Reads a file from beginning to end, and leaves the position at the end.
    ///
    /// - Returns: The number of bytes.
    func read(
        _ descriptor: FileDescriptor,
        named name: String,
        _ update: (UnsafeRawBufferPointer) -> Void
    ) throws(DownloadError) -> Int {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        var total = 0
        while true {
            let count = Glibc.read(descriptor.rawValue, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", name) }
            guard count > 0 else { return total }
            update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            total += count
        }
    }

    /// Removes a file; a missing file is not an error.
    func remove(_ name: String) throws(DownloadError) {
        guard unlinkat(directory.rawValue, name, 0) == 0 || errno == ENOENT else { throw failure("remove", name) }
    }

    func rename(_ name: String, to newName: String) throws(DownloadError) {
        guard renameat(directory.rawValue, name, directory.rawValue, newName) == 0 else {
            throw failure("rename", name)
        }
    }

    /// Writes the directory to the disk.
    func sync() throws(DownloadError) {
        guard fsync(directory.rawValue) == 0 else { throw failure("sync the directory of", name) }
    }

    /// The free space of the file system for unprivileged processes, in bytes; a very large number when it is unknown.
    var freeBytes: Int {
        var space = statvfs()
        guard fstatvfs(directory.rawValue, &space) == 0 else { return .max }
        let (bytes, overflow) = UInt64(space.f_bavail).multipliedReportingOverflow(by: UInt64(space.f_frsize))
        return overflow ? .max : Int(clamping: bytes)
    }

    /// The error for the last failed system call.
    func failure(_ operation: String, _ name: String, received: Int = 0) -> DownloadError {
        let code = Errno(rawValue: errno)
        guard code != .noSpace, code != .diskQuotaExceeded else { return .noSpace(name: self.name, received: received) }
        return .file(operation: operation, name: name, cause: code)
    }

    private func isOwn(_ status: stat) -> Bool {
        status.st_mode & S_IFMT == S_IFREG && status.st_uid == geteuid() && status.st_nlink == 1
    }

    private func putAside(_ name: String) throws(DownloadError) {
        let bad = "\(name).bad"
        if unlinkat(directory.rawValue, bad, 0) != 0 { unlinkat(directory.rawValue, bad, AT_REMOVEDIR) }
        guard renameat(directory.rawValue, name, directory.rawValue, bad) == 0 else { throw failure("put aside", name) }
    }
}
