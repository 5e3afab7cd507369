import CLinux
import Glibc
import SystemPackage

extension HostRoot {
    /// The content of a regular file; nil when there is no such file.
    ///
    /// - Throws: `tooLarge` when the file has more bytes than the limit. The content is never cut off.
    package func read(_ path: HostPath, limit: Int = 1 << 20) throws(HostError) -> [UInt8]? {
        guard let file = try openFile(path) else { return nil }
        let bytes: [UInt8]
        do throws(Errno) { bytes = try file.readAll(limit: limit) } catch { throw .file(.read, path, cause: error) }
        guard bytes.count <= limit else { throw .tooLarge(path, limit: limit) }
        return bytes
    }

    /// The content as text, with invalid UTF-8 replaced; nil when there is no such file.
    ///
    /// - Throws: `tooLarge` when the file has more bytes than the limit, `notAFile` for a directory, pipe or device,
    ///   and `file` when it cannot be read.
    package func text(_ path: HostPath, limit: Int = 1 << 20) throws(HostError) -> String? {
        try read(path, limit: limit).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The last bytes of a regular file as text; nil when there is none.
    package func tail(_ path: HostPath, limit: Int) throws(HostError) -> String? {
        guard let file = try openFile(path) else { return nil }
        let size = try status(of: file, path).size
        do throws(Errno) {
            let bytes = try file.read(at: UInt64(max(0, size - limit)), count: limit)
            return String(decoding: bytes, as: UTF8.self)
        } catch { throw .file(.read, path, cause: error) }
    }

    /// The names in a directory, sorted, without `.` and `..`; nil when there is no such directory.
    ///
    /// - Throws: `file` when the path is not a directory or cannot be read.
    package func list(_ path: HostPath) throws(HostError) -> [String]? {
        guard let directory = try open(path, O_RDONLY | O_DIRECTORY, for: .list) else { return nil }
        do throws(Errno) { return try names(in: directory.release()).sorted() } catch {
            throw .file(.list, path, cause: error)
        }
    }

    /// Whether the path exists.
    ///
    /// Symbolic links are followed.
    ///
    /// - Throws: `file` when the kernel does not tell, for example because access was denied.
    package func exists(_ path: HostPath) throws(HostError) -> Bool {
        try status(path) != nil
    }

    /// Whether the path is a directory, or a symbolic link to one.
    package func isDirectory(_ path: HostPath) throws(HostError) -> Bool {
        try status(path)?.kind == .directory
    }

    /// The attributes of a file; nil when the path does not exist.
    ///
    /// With `followLink`, a symbolic link as the last component is followed.
    ///
    /// - Throws: `file` when the kernel does not tell, for example because access was denied.
    package func status(_ path: HostPath, followLink: Bool = true) throws(HostError) -> HostFileStatus? {
        let flags = followLink ? GPA_O_PATH : GPA_O_PATH | O_NOFOLLOW
        guard let file = try open(path, flags, for: .status) else { return nil }
        return try status(of: file, path)
    }

    /// The free space on the file system of this path for unprivileged processes, in MiB, and the device number of the
    /// file system; nil when the path does not exist.
    package func freeSpace(_ path: HostPath) throws(HostError) -> (mebibytes: Int, fileSystem: String)? {
        guard let file = try open(path, GPA_O_PATH, for: .measure) else { return nil }
        var space = statvfs()
        guard fstatvfs(file.descriptor.rawValue, &space) == 0 else {
            throw .file(.measure, path, cause: Errno(rawValue: errno))
        }
        let (blocks, size) = (UInt64(space.f_bavail), UInt64(space.f_frsize))
        // Some network file systems report more bytes than fit into 64 bits.
        let (bytes, overflow) = blocks.multipliedReportingOverflow(by: size)
        var status = stat()
        guard fstat(file.descriptor.rawValue, &status) == 0 else {
            throw .file(.measure, path, cause: Errno(rawValue: errno))
        }
        return (Int((overflow ? UInt64.max : bytes) >> 20), "\(status.st_dev)")
    }
}

/// The names in a directory without `.` and `..`, in the order of the file system.
///
/// It takes over the descriptor, and closes it also when it fails.
func names(in directory: FileDescriptor) throws(Errno) -> [String] {
    guard let stream = fdopendir(directory.rawValue) else {
        let code = Errno(rawValue: errno)
        try? directory.close()
        throw code
    }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
        errno = 0
        guard let entry = readdir(stream) else {
            if errno != 0 { throw Errno(rawValue: errno) }
            return names
        }
        let name = withUnsafeBytes(of: &entry.pointee.d_name) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != "." && name != ".." { names.append(name) }
    }
}
