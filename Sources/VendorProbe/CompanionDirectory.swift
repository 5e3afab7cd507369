import FoundationEssentials
import Glibc
import Support
import SystemPackage

/// Why the directory of links to the driver's libraries could not be created.
enum CompanionError: CausedError {
    case directory(in: String, cause: Errno)
    case link(String, cause: Errno)
    case file(String, cause: any Error)

    var description: String {
        switch self {
        case .directory(let parent, _): "cannot create a directory in \(parent)"
        case .link(let path, _): "cannot create the link \(path)"
        case .file(let path, _): "cannot write \(path)"
        }
    }

    var cause: (any Error)? {
        switch self {
        case .directory(_, let cause), .link(_, let cause): cause
        case .file(_, let cause): cause
        }
    }
}

/// A directory of links to the driver's libraries, for the dynamic loader of the child processes.
///
/// Each probe creates a new one, so that it contains no link to a library of an earlier driver. Its name,
/// `vendor-PID-START-XXXXXX`, identifies its process. When that process was killed, the next probe removes the
/// directory.
struct CompanionDirectory {
    let path: String
    private let names: [String]

    /// Creates the directory in `parent`, which must exist, without the libraries that others than root can change.
    init(in parent: String, _ libraries: [DriverLibrary]) throws(CompanionError) {
        Self.sweep(parent)
        let pid = getpid()
        var template = Array("\(parent)/vendor-\(pid)-\(startTime(of: pid) ?? "0")-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw .directory(in: parent, cause: Errno(rawValue: errno)) }
        path = template.withUnsafeBytes(vendorText)
        // The loader maps what it finds here into a process of root.
        let libraries = libraries.filter { LibraryFile.distrust($0.path) == nil }
        names = libraries.map(\.name)
        for library in libraries {
            let link = "\(path)/\(library.name)"
            guard symlink(library.path, link) == 0 else {
                let cause = Errno(rawValue: errno)
                remove()
                throw .link(link, cause: cause)
            }
        }
    }

    /// Writes the file with which the Vulkan loader finds a library at a path of the agent's own root.
    ///
    /// The file of the host has the path as a process on the host would write it.
    ///
    /// - Returns: The path of the file.
    func vulkanDriverFile(_ library: VulkanDriverLibrary) throws(CompanionError) -> String {
        let file = "\(path)/\(Self.vulkanDriver)"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            try encoder.encode(VulkanDriverFile.Content(library)).write(to: URL(filePath: file))
        } catch {
            throw .file(file, cause: error)
        }
        return file
    }

    private static let vulkanDriver = "nvidia_icd.json"

    /// Removes the directory and what is in it.
    func remove() {
        for name in names + [Self.vulkanDriver] { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    /// Removes the directories that killed processes of this user left in `parent` more than an hour ago.
    ///
    /// A process in another container can use the same `parent` and is invisible here. The hour protects its directory.
    private static func sweep(_ parent: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        for name in names where name.hasPrefix("vendor-") {
            let parts = name.split(separator: "-")
            guard parts.count == 4, let owner = pid_t(parts[1]), startTime(of: owner) != String(parts[2]) else {
                continue
            }
            let path = "\(parent)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
                status.st_mtim.tv_sec < time(nil) - 3600
            else { continue }
            for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
                let link = "\(path)/\(name)"
                // A probe creates only links and this file there, so anything else stays.
                let isOwn = lstat(link, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK || name == vulkanDriver
                if isOwn { unlink(link) }
            }
            rmdir(path)
        }
    }
}

/// When a process started, in clock ticks since boot (proc(5), field 22 of `stat`); nil when there is no such process.
///
/// The kernel can give the process ID to another process later. The ID and the start time together are unique.
private func startTime(of process: pid_t) -> String? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
        // The second field is a name in parentheses, which can contain any character.
        let name = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[text.index(after: name)...].split(separator: " ")
    return fields.count > 19 ? String(fields[19]) : nil
}
