import CLinux
import Glibc
import SystemPackage

/// The root directory of the host, from where the agent runs.
///
/// It is `/proc/1/root` in a pod with `hostPID`, `/` on the host itself, or a directory tree that was copied from a
/// node. The kernel resolves every path below it (`openat2` with `RESOLVE_IN_ROOT`), so absolute links and `..` cannot
/// leave it. All operations may block in the kernel; see `offPool(_:)`.
package final class HostRoot: Sendable {
    /// The path of the root directory in the agent's own mount namespace.
    package let path: String
    let descriptor: FileDescriptor
    /// The path of the root directory in `/proc/self/fd`.
    ///
    /// For `/proc/PID/root` it differs from `path`.
    private let kernelPath: String?

    /// Opens the root directory once.
    ///
    /// A file system that is mounted over its path later has no effect.
    ///
    /// - Throws: `root` when it cannot be opened, `noRootedOpen` when the kernel does not offer `openat2`.
    package convenience init(_ path: String) throws(HostError) {
        let number = Glibc.open(path, GPA_O_PATH | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw .root(path, cause: Errno(rawValue: errno)) }
        let file = OpenFile(FileDescriptor(rawValue: number))
        let probe = gpa_open_in_root(number, "/", UInt64(GPA_O_PATH), 0)
        guard probe >= 0 else {
            let cause = Errno(rawValue: errno)
            // Old seccomp filters answer EPERM instead of ENOSYS for a system call that they do not know.
            throw [.noFunction, .notPermitted].contains(cause) ? .noRootedOpen(cause: cause) : .root(path, cause: cause)
        }
        close(probe)
        self.init(path, file)
    }

    private init(_ path: String, _ file: consuming OpenFile) {
        self.path = path
        kernelPath = try? file.descriptor.kernelPath()
        descriptor = file.release()
    }

    deinit {
        try? descriptor.close()
    }

    /// A directory of the host as a root directory of its own, for example that of a container; nil when the path does
    /// not exist.
    package func root(at path: HostPath) throws(HostError) -> HostRoot? {
        guard let resolved = try resolve(path), let file = try open(resolved, GPA_O_PATH | O_DIRECTORY, for: .open)
        else { return nil }
        return HostRoot(outsidePath(resolved), file)
    }

    /// Opens a path below the root; nil when it does not exist.
    ///
    /// The flags are those of `open(2)`; close-on-exec is added. The mode is for a file that is created.
    func open(
        _ path: HostPath,
        _ flags: Int32,
        mode: mode_t = 0,
        for operation: HostError.FileOperation
    ) throws(HostError) -> OpenFile? {
        let number = gpa_open_in_root(descriptor.rawValue, path.text, UInt64(flags), UInt64(mode))
        if number >= 0 { return OpenFile(FileDescriptor(rawValue: number)) }
        let code = Errno(rawValue: errno)
        if code == .noSuchFileOrDirectory { return nil }
        throw .file(operation, path, cause: code)
    }

    /// Opens a regular file for reading; nil when the path does not exist.
    ///
    /// - Throws: `notAFile` for a pipe, device or other file, without waiting for it.
    package func openFile(_ path: HostPath) throws(HostError) -> OpenFile? {
        guard let file = try open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, for: .read) else { return nil }
        guard try status(of: file, path).kind == .file else { throw .notAFile(path) }
        return file
    }

    /// The real path on the host, with all symbolic links followed; nil when the path does not exist.
    package func resolve(_ path: HostPath) throws(HostError) -> HostPath? {
        guard let file = try open(path, GPA_O_PATH, for: .resolve) else { return nil }
        let found: String
        do throws(Errno) { found = try file.descriptor.kernelPath() } catch {
            throw .file(.resolve, path, cause: error)
        }
        guard let kernelPath else { throw .file(.resolve, path, cause: .noSuchFileOrDirectory) }
        if kernelPath == "/", let resolved = HostPath(absolute: found) { return resolved }
        if found == kernelPath { return .root }
        guard found.hasPrefix("\(kernelPath)/"),
            let resolved = HostPath(absolute: String(found.dropFirst(kernelPath.count)))
        else { throw .outsideRoot(path, found: found) }
        return resolved
    }

    /// The path by which a process in the agent's mount namespace opens this file, for example in `dlopen`.
    ///
    /// Use it only for a path that `resolve(_:)` returned: a symbolic link would be followed outside the root.
    package func outsidePath(_ resolved: HostPath) -> String {
        path == "/" ? resolved.text : "\(path)\(resolved.text)"
    }

    func status(of file: borrowing OpenFile, _ path: HostPath) throws(HostError) -> HostFileStatus {
        var status = stat()
        guard fstat(file.descriptor.rawValue, &status) == 0 else {
            throw .file(.status, path, cause: Errno(rawValue: errno))
        }
        return HostFileStatus(status)
    }
}

extension FileDescriptor {
    /// The path of the open file in its own mount namespace, as the kernel reports it.
    fileprivate func kernelPath() throws(Errno) -> String {
        try linkText { readlink("/proc/self/fd/\(rawValue)", $0, $1) }
    }
}

/// Reads the target of a symbolic link, with a buffer that is large enough.
func linkText(_ call: (UnsafeMutablePointer<CChar>, Int) -> Int) throws(Errno) -> String {
    var size = Int(PATH_MAX)
    while true {
        var buffer = [CChar](repeating: 0, count: size)
        let count = try retrying {
            buffer.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.map { call($0, buffer.count) } ?? -1 }
        }
        if count < size { return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) }
        size *= 2
    }
}
