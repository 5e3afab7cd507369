import Glibc
import SystemPackage

extension HostRoot {
    /// Creates a file with its whole content, unless something has this name already.
    ///
    /// A reader never sees a part of the content. The directory must exist. The file gets its name by a link, which, other
    /// than a rename, replaces nothing.
    ///
    /// - Parameters:
    ///   - path: The path of the file.
    ///   - contents: The content.
    ///   - mode: The permission bits.
    ///   - named: What to do before the file gets its name, with the identity of the file.
    /// - Returns: Whether the file was created; false when something else has this name.
    /// - Throws: `file` when it cannot be created, or what `named` throws.
    func createNew(
        _ path: HostPath,
        contents: [UInt8],
        mode: UInt32 = 0o644,
        before named: (HostFileStatus.Identity) throws(HostError) -> Void
    ) throws(HostError) -> Bool {
        let parent = try directory(path.parent, for: .create)
        let place = parent.descriptor.rawValue
        let draft = try path.parent.entry(".\(path.lastComponent).\(getpid()).\(UInt32.random(in: 0 ... .max)).new")
        let identity: HostFileStatus.Identity
        do throws(Errno) {
            let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
            let number = try retrying { openat(place, draft.lastComponent, flags, mode) }
            let file = OpenFile(FileDescriptor(rawValue: number))
            try file.writeAll(contents)
            // The umask applies to the mode that openat gets.
            try retrying { fchmod(number, mode) }
            var status = stat()
            try retrying { fstat(number, &status) }
            identity = HostFileStatus(status).identity
        } catch {
            unlinkat(place, draft.lastComponent, 0)
            throw .file(.create, path, cause: error)
        }
        defer { unlinkat(place, draft.lastComponent, 0) }
        try named(identity)
        do throws(Errno) { try retrying { linkat(place, draft.lastComponent, place, path.lastComponent, 0) } } catch {
            if error == .fileExists { return false }
            throw .file(.create, path, cause: error)
        }
        return true
    }
}
