import Glibc
import Support
import SystemPackage

/// The agent's own files and directories on the host.
///
/// Such a directory is a real directory that root owns and nobody else can write to. Such a file is a regular file that
/// root owns, with one name. A symbolic link in its place could lead to somebody else's file, which the agent would
/// overwrite as root. Opening a pipe in its place would wait forever.
extension HostRoot {
    /// The directory below which everything is the agent's own: `/var/lib/gpu-agent`, `/run/gpu-agent` and so on.
    private static let ownName = "gpu-agent"

    /// Whether this is the root directory of a running host, rather than a copied tree.
    ///
    /// The files of a copied tree belong to whoever copied it.
    private var isLive: Bool { path == "/" || path.hasPrefix("/proc/") }

    /// Creates the missing directories of a path, and verifies those that are the agent's own.
    ///
    /// - Returns: Whether the path has own directories.
    func makeOwnDirectories(_ path: HostPath, mode: UInt32) throws(HostError) -> Bool {
        let names = path.text.split(separator: "/").map(String.init)
        guard let first = names.firstIndex(of: Self.ownName) else { return false }
        var place: HostPath = .root
        for (index, name) in names.enumerated() {
            let parent = place
            place = try parent.entry(name)
            guard index >= first else { continue }
            if index == first { try makeDirectories(parent, mode: mode) }
            let directory = try directory(parent, for: .create)
            guard mkdirat(directory.descriptor.rawValue, name, mode) == 0 || errno == EEXIST else {
                throw .file(.create, place, cause: Errno(rawValue: errno))
            }
            try verifyOwnDirectory(place)
        }
        return true
    }

    private func verifyOwnDirectory(_ path: HostPath) throws(HostError) {
        guard let status = try status(path, followLink: false) else {
            throw .file(.status, path, cause: .noSuchFileOrDirectory)
        }
        switch status.kind {
        case .directory: break
        case .link: throw .notOwn(path, why: "it is a symbolic link")
        default: throw .notOwn(path, why: "it is not a directory")
        }
        guard isOwner(status) else { throw .notOwn(path, why: "it belongs to user \(status.owner)") }
        guard status.mode & 0o022 == 0 else { throw .notOwn(path, why: "users other than root can write to it") }
    }

    /// Reads an own file; nil when there is none.
    ///
    /// - Throws: `notAFile`, `notOwn`, `tooLarge`, or `file` with ELOOP for a symbolic link, without waiting for it.
    package func readOwn(_ path: HostPath, limit: Int = 1 << 20) throws(HostError) -> [UInt8]? {
        guard let file = try open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW, for: .read) else { return nil }
        let status = try status(of: file, path)
        guard status.kind == .file else { throw .notAFile(path) }
        if isLive, geteuid() == 0, !isOwner(status) { throw .notOwn(path, why: "it belongs to user \(status.owner)") }
        guard status.size <= limit else { throw .tooLarge(path, limit: limit) }
        let bytes: [UInt8]
        do throws(Errno) { bytes = try file.readAll(limit: limit) } catch { throw .file(.read, path, cause: error) }
        guard bytes.count <= limit else { throw .tooLarge(path, limit: limit) }
        return bytes
    }

    /// The last bytes of an own file as text; nil when there is none.
    package func ownTail(_ path: HostPath, limit: Int) throws(HostError) -> String? {
        guard let file = try open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW, for: .read) else { return nil }
        let status = try status(of: file, path)
        guard status.kind == .file else { throw .notAFile(path) }
        do throws(Errno) {
            let bytes = try file.read(at: UInt64(max(0, status.size - limit)), count: limit)
            return String(decoding: bytes, as: UTF8.self)
        } catch { throw .file(.read, path, cause: error) }
    }

    /// Opens an own file for writing and creates it if it is missing.
    ///
    /// If something else has this name, renames it to `NAME.bad`.
    func openOwn(_ path: HostPath, _ flags: Int32, mode: mode_t) throws(HostError) -> OpenFile {
        if let status = try status(path, followLink: false), !isOwnFile(status) { try putAside(path) }
        let flags = flags | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        guard let file = try open(path, flags, mode: mode, for: .open) else {
            throw .file(.open, path, cause: .noSuchFileOrDirectory)
        }
        // Another process can have replaced the file meanwhile.
        guard isOwnFile(try status(of: file, path)) else { throw .notAFile(path) }
        return file
    }

    /// Renames a file, link or directory to `NAME.bad`, where it can be examined, and removes an earlier one there.
    ///
    /// - Returns: The new path.
    @discardableResult
    package func putAside(_ path: HostPath) throws(HostError) -> HostPath {
        let bad = try path.parent.entry("\(path.lastComponent).bad")
        try removeTree(bad)
        try rename(path, to: bad)
        return bad
    }

    private func isOwnFile(_ status: HostFileStatus) -> Bool {
        status.kind == .file && status.links == 1 && isOwner(status)
    }

    private func isOwner(_ status: HostFileStatus) -> Bool { status.owner == 0 || status.owner == geteuid() }
}
