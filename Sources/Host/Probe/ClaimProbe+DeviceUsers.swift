import Glibc
import NodeModel
import SystemPackage

extension ClaimProbe {
    /// The processes that have a device node of the driver open.
    ///
    /// The fact is unreadable when one process cannot be examined, because that process may use the driver. It is
    /// skipped in a copied tree, where `/proc` has no processes.
    static func deviceUsers(_ root: HostRoot) -> Reading<[DeviceUser]> {
        let processes = reading { () throws(HostError) in
            try (root.list("/proc") ?? []).compactMap { Int($0) }.sorted()
        }
        return processes.flatMap { processes in
            guard !processes.isEmpty else { return .skipped("/proc has no processes: this is not a running host") }
            guard processes.contains(1) else {
                return .unreadable(ReadFailure(.permission, "/proc hides the processes of other users (hidepid)"))
            }
            return reading { () throws(HostError) in
                var users: [DeviceUser] = []
                for process in processes {
                    if let user = try deviceUser(process, root) { users.append(user) }
                }
                return users
            }
        }
    }

    /// The process as a user of the driver; nil when it has no device node open or has ended meanwhile.
    private static func deviceUser(_ process: Int, _ root: HostRoot) throws(HostError) -> DeviceUser? {
        let directory = HostPath("/proc").appending("\(process)")
        guard let nodes = try openNodes(directory.appending("fd"), root), !nodes.isEmpty else { return nil }
        let name: String?
        do throws(HostError) { name = try root.text(directory.appending("comm")) } catch {
            guard error.isOfEndedProcess else { throw error }
            return nil
        }
        return name.map { DeviceUser(pid: process, command: $0.trimmed, nodes: nodes) }
    }

    /// The device nodes of the driver that a process has open; nil when the process has ended.
    private static func openNodes(_ path: HostPath, _ root: HostRoot) throws(HostError) -> [String]? {
        var nodes: Set<String> = []
        do throws(HostError) {
            guard let directory = try root.open(path, O_RDONLY | O_DIRECTORY, for: .list) else { return nil }
            let copy: FileDescriptor
            do throws(Errno) {
                let number = directory.descriptor.rawValue
                copy = FileDescriptor(rawValue: try retrying { fcntl(number, F_DUPFD_CLOEXEC, 0) })
                for name in try names(in: copy) {
                    guard let text = try link(name, of: number), let node = node(text) else { continue }
                    if text.hasPrefix("/dev/") || isDevice(name, of: number) { nodes.insert(node) }
                }
            } catch { throw .file(.list, path, cause: error) }
        } catch {
            guard error.isOfEndedProcess else { throw error }
            return nil
        }
        return nodes.sorted()
    }

    /// The target of a link in an open directory; nil when the descriptor was closed or is not a link.
    private static func link(_ name: String, of directory: CInt) throws(Errno) -> String? {
        do throws(Errno) { return try linkText { readlinkat(directory, name, $0, $1) } } catch {
            guard error == .noSuchFileOrDirectory || error == .invalidArgument else { throw error }
            return nil
        }
    }

    /// The name of the device node in a path: `nvidia0` for `/dev/nvidia0`.
    ///
    /// It also recognizes a removed node (`(deleted)`), and the path in a container that mounts the host's root
    /// directory, such as `/host/dev/nvidia0`.
    static func node(_ text: String) -> String? {
        guard let place = text.firstRange(of: "/dev/nvidia") else { return nil }
        let name = text[text.index(place.lowerBound, offsetBy: "/dev/".count)...]
        let removed = " (deleted)"
        return String(name.hasSuffix(removed) ? name.dropLast(removed.count) : name)
    }

    /// Whether the descriptor belongs to a device, rather than to a regular file in a directory such as `…/dev/nvidia`.
    private static func isDevice(_ name: String, of directory: CInt) -> Bool {
        var status = stat()
        return fstatat(directory, name, &status, 0) == 0 && status.st_mode & S_IFMT == S_IFCHR
    }
}

extension HostError {
    /// Whether the file below `/proc/PID` is gone because the process has ended.
    fileprivate var isOfEndedProcess: Bool {
        switch self {
        case .file(_, _, .noSuchFileOrDirectory), .file(_, _, .noSuchProcess): true
        default: false
        }
    }
}
