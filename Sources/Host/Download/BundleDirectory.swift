import Glibc
package import SystemPackage

/// A directory for driver packages and an index of them, by its path in the agent's own mount namespace.
///
/// It is for `gpu-agent catalog mirror`. Any user can fill a directory of their own.
package final class BundleDirectory: Sendable {
    package let descriptor: FileDescriptor
    private let path: String

    /// Opens the directory, and creates it with its parents when it does not exist.
    package init(_ path: String) throws(DownloadError) {
        var number = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if number < 0, errno == ENOENT {
            let isAbsolute = path.hasPrefix("/")
            var place = isAbsolute ? "" : "."
            for name in path.split(separator: "/") {
                place += "/\(name)"
                guard mkdir(place, 0o755) == 0 || errno == EEXIST else {
                    throw .file(operation: "create", name: place, cause: Errno(rawValue: errno))
                }
            }
            number = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        guard number >= 0 else { throw .file(operation: "open", name: path, cause: Errno(rawValue: errno)) }
        descriptor = FileDescriptor(rawValue: number)
        self.path = path
    }

    deinit { try? descriptor.close() }

    /// The size of a file in bytes; nil when it is not a regular file.
    package func size(of name: String) -> Int? {
        var status = stat()
        guard fstatat(descriptor.rawValue, name, &status, 0) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return nil
        }
        return Int(status.st_size)
    }

    /// The content of a file; nil when it does not exist or has more bytes than the limit.
    package func read(_ name: String, limit: Int) throws(DownloadError) -> [UInt8]? {
        let number = openat(descriptor.rawValue, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if number < 0, errno == ENOENT { return nil }
        guard number >= 0 else { throw failure("open", name) }
        let file = OpenFile(FileDescriptor(rawValue: number))
        do throws(Errno) {
            let bytes = try file.readAll(limit: limit)
            return bytes.count <= limit ? bytes : nil
        } catch { throw .file(operation: "read", name: "\(path)/\(name)", cause: error) }
    }

    /// Replaces a file: after a power failure it has the old content or the new one.
    package func replace(_ name: String, with bytes: [UInt8]) throws(DownloadError) {
        let new = "\(name).new"
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW
        let number = openat(descriptor.rawValue, new, flags, 0o644)
        guard number >= 0 else { throw failure("open", new) }
        let file = OpenFile(FileDescriptor(rawValue: number))
        do throws(Errno) { try file.writeAll(bytes) } catch {
            throw .file(operation: "write", name: "\(path)/\(new)", cause: error)
        }
        guard fsync(number) == 0 else { throw failure("write", new) }
        guard renameat(descriptor.rawValue, new, descriptor.rawValue, name) == 0 else { throw failure("rename", new) }
        guard fsync(descriptor.rawValue) == 0 else { throw failure("sync the directory of", name) }
    }

    private func failure(_ operation: String, _ name: String) -> DownloadError {
        .file(operation: operation, name: "\(path)/\(name)", cause: Errno(rawValue: errno))
    }
}
