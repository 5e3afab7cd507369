import Glibc
package import SystemPackage

extension HostRoot {
    /// Creates a directory and its missing parents.
    ///
    /// An existing directory keeps its mode. The agent's own directories must be real directories that root owns and
    /// nobody else can write to.
    ///
    /// - Throws: `notOwn` when an own directory is not safe.
    package func makeDirectories(_ path: HostPath, mode: UInt32 = 0o755) throws(HostError) {
        if path == .root { return }
        if try makeOwnDirectories(path, mode: mode) { return }
        if let found = try status(path) {
            if found.kind == .directory { return }
            throw .file(.create, path, cause: .notDirectory)
        }
        try makeDirectories(path.parent, mode: mode)
        let parent = try directory(path.parent, for: .create)
        guard mkdirat(parent.descriptor.rawValue, path.lastComponent, mode) == 0 || errno == EEXIST else {
            throw .file(.create, path, cause: Errno(rawValue: errno))
        }
    }

    /// Replaces a file atomically: readers, and the host after a power failure, see the old or the new content.
    ///
    /// The directory must exist. A symbolic link of this name is replaced, not followed.
    package func writeAtomically(_ path: HostPath, contents: [UInt8], mode: UInt32 = 0o644) throws(HostError) {
        let parent = try directory(path.parent, for: .write)
        let place = parent.descriptor.rawValue
        let draft = ".\(path.lastComponent).\(getpid()).\(UInt32.random(in: 0 ... .max)).new"
        do throws(Errno) {
            let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
            let number = try retrying { openat(place, draft, flags, mode) }
            do throws(Errno) {
                let file = OpenFile(FileDescriptor(rawValue: number))
                try file.writeAll(contents)
                // The umask applies to the mode that openat gets.
                try retrying { fchmod(number, mode) }
                try retrying { fsync(number) }
                try retrying { renameat(place, draft, place, path.lastComponent) }
            } catch {
                unlinkat(place, draft, 0)
                throw error
            }
            try retrying { fsync(place) }
        } catch { throw .file(.write, path, cause: error) }
    }

    /// Removes the temporary files that killed writers of this file left.
    ///
    /// Call it only when nobody writes the file.
    package func removeDrafts(of path: HostPath) throws(HostError) {
        let prefix = ".\(path.lastComponent)."
        for name in try list(path.parent) ?? [] where name.hasPrefix(prefix) && name.hasSuffix(".new") {
            try remove(path.parent.entry(name))
        }
    }

    /// Removes a file, a link or an empty directory.
    ///
    /// A missing file is not an error.
    package func remove(_ path: HostPath) throws(HostError) {
        guard let parent = try open(path.parent, O_RDONLY | O_DIRECTORY, for: .remove) else { return }
        let place = parent.descriptor.rawValue
        if unlinkat(place, path.lastComponent, 0) == 0 || errno == ENOENT { return }
        if errno == EISDIR, unlinkat(place, path.lastComponent, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
        throw .file(.remove, path, cause: Errno(rawValue: errno))
    }

    /// Removes a file, or a directory with its content.
    ///
    /// A missing file is not an error.
    ///
    /// Symbolic links are removed, not followed. Other file systems that are mounted below are not touched: the removal
    /// then fails with EBUSY.
    package func removeTree(_ path: HostPath) throws(HostError) {
        guard let parent = try open(path.parent, O_RDONLY | O_DIRECTORY, for: .remove) else { return }
        do throws(Errno) { try removeEntry(path.lastComponent, of: parent.descriptor, device: nil) } catch {
            throw .file(.remove, path, cause: error)
        }
    }

    /// Removes everything in a directory but the named files.
    ///
    /// A missing directory is not an error. A link or a file in its place is removed, and not followed.
    package func removeContent(of directory: HostPath, except names: [String]) throws(HostError) {
        guard try status(directory, followLink: false)?.kind == .directory else { return try removeTree(directory) }
        for name in try list(directory) ?? [] where !names.contains(name) {
            try removeTree(try directory.entry(name))
        }
    }

    /// Renames a file on the host and replaces the file that has the new name.
    package func rename(_ path: HostPath, to newPath: HostPath) throws(HostError) {
        let from = try directory(path.parent, for: .write)
        let to = try directory(newPath.parent, for: .write)
        let (source, target) = (from.descriptor.rawValue, to.descriptor.rawValue)
        do throws(Errno) {
            try retrying { renameat(source, path.lastComponent, target, newPath.lastComponent) }
            try retrying { fsync(target) }
        } catch { throw .file(.write, path, cause: error) }
    }

    /// Opens a directory for system calls such as `openat`.
    ///
    /// The caller closes the descriptor.
    ///
    /// With `create`, a missing directory is created together with its parents.
    package func openDirectory(_ path: HostPath, create: Bool = false) throws(HostError) -> FileDescriptor {
        if create { try makeDirectories(path) }
        return try directory(path, for: .open).release()
    }

    func directory(_ path: HostPath, for operation: HostError.FileOperation) throws(HostError) -> OpenFile {
        guard let file = try open(path, O_RDONLY | O_DIRECTORY, for: operation) else {
            throw .file(operation, path, cause: .noSuchFileOrDirectory)
        }
        return file
    }
}

/// Removes one entry of a directory with its content, unless it is on another file system.
private func removeEntry(_ name: String, of parent: FileDescriptor, device: dev_t?) throws(Errno) {
    if unlinkat(parent.rawValue, name, 0) == 0 || errno == ENOENT { return }
    guard errno == EISDIR else { throw Errno(rawValue: errno) }
    let directory = FileDescriptor(
        rawValue: try retrying { openat(parent.rawValue, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
    )
    let owner = OpenFile(directory)
    var status = stat()
    try retrying { fstat(directory.rawValue, &status) }
    if let device, status.st_dev != device { throw .resourceBusy }
    let copy = FileDescriptor(rawValue: try retrying { fcntl(directory.rawValue, F_DUPFD_CLOEXEC, 0) })
    for entry in try names(in: copy) { try removeEntry(entry, of: directory, device: status.st_dev) }
    _ = consume owner
    if unlinkat(parent.rawValue, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
    throw Errno(rawValue: errno)
}
