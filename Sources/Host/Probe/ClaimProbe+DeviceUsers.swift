import CLinux
import Glibc
import NodeModel
import SystemPackage

extension ClaimProbe {
    /// The processes that have a device node of the driver open.
    ///
    /// A device node is told by its number, because a container can give any file any name. The fact is unreadable when
    /// one process cannot be examined, because that process may use the driver. It is skipped in a copied tree, where
    /// `/proc` has no processes.
    static func deviceUsers(_ root: HostRoot) -> Reading<[DeviceUser]> {
        let devices = root.reading("/proc/devices").value ?? ""
        return deviceUsers(root, NVIDIADevices(devices))
    }

    static func deviceUsers(_ root: HostRoot, _ devices: NVIDIADevices) -> Reading<[DeviceUser]> {
        runningProcesses(root).flatMap { processes in
            reading { () throws(HostError) in
                var users: [DeviceUser] = []
                for process in processes {
                    if let user = try deviceUser(process, root, devices) { users.append(user) }
                }
                return users.isEmpty ? [] : named(withoutEventProcess(users, root), root)
            }
        }
    }

    /// The IDs of all processes, sorted; skipped in a copied tree.
    static func runningProcesses(_ root: HostRoot) -> Reading<[Int]> {
        let processes = reading { () throws(HostError) in
            try (root.list("/proc") ?? []).compactMap { Int($0) }.sorted()
        }
        return processes.flatMap { processes in
            guard !processes.isEmpty else { return .skipped("/proc has no processes: this is not a running host") }
            guard processes.contains(1) else {
                return .unreadable(ReadFailure(.permission, "/proc hides the processes of other users (hidepid)"))
            }
            return .present(processes)
        }
    }

    /// The process as a user of the driver; nil when it has no device node open or has ended meanwhile.
    private static func deviceUser(
        _ process: Int,
        _ root: HostRoot,
        _ devices: NVIDIADevices
    ) throws(HostError) -> DeviceUser? {
        let directory = HostPath("/proc").appending("\(process)")
        guard let nodes = try openNodes(directory.appending("fd"), root, devices), !nodes.isEmpty else { return nil }
        let name: String?
        do throws(HostError) { name = try root.text(directory.appending("comm")) } catch {
            guard error.isOfEndedProcess else { throw error }
            return nil
        }
        return name.map { DeviceUser(pid: process, command: $0.trimmed, nodes: nodes) }
    }

    /// The users without the process of the daemon that waits for the events of NVML, while nobody changes the host.
    ///
    /// The daemon ends this process when somebody takes the lock of the host, so it is in nobody's way. It counts from
    /// then on, so the holder of the lock waits until it is gone. A process that only looks like it is counted then, too.
    private static func withoutEventProcess(_ users: [DeviceUser], _ root: HostRoot) -> [DeviceUser] {
        let waiting = users.filter { $0.command == "gpu-agent" && isEventProcess($0.pid, root) }
        guard !waiting.isEmpty, case .absent = HostLock.holderNow(on: root) else { return users }
        return users.filter { !waiting.contains($0) }
    }

    private static func isEventProcess(_ process: Int, _ root: HostRoot) -> Bool {
        let path = HostPath("/proc").appending("\(process)").appending("cmdline")
        // A process whose command cannot be read stays a user.
        guard let text = try? root.text(path) else { return false }
        let words = text.split(separator: "\0")
        return words.dropFirst().first == "vendor-probe" && words.last == "--events"
    }

    /// Adds to each process the pod or the service that it belongs to.
    ///
    /// They only help to find the process. A process without them is still a user of the driver.
    private static func named(_ users: [DeviceUser], _ root: HostRoot) -> [DeviceUser] {
        let pods = PodNames(root)
        return users.map { user in
            let path = HostPath("/proc").appending("\(user.pid)").appending("cgroup")
            guard let text = try? root.text(path) else { return user }
            let owner = ProcessOwner(text)
            var user = user
            (user.pod, user.unit) = (owner.podUID.map(pods.name), owner.unit)
            return user
        }
    }

    /// The device nodes of the driver that a process has open; nil when the process has ended.
    private static func openNodes(
        _ path: HostPath,
        _ root: HostRoot,
        _ devices: NVIDIADevices
    ) throws(HostError) -> [String]? {
        var nodes: Set<String> = []
        do throws(HostError) {
            guard let directory = try root.open(path, O_RDONLY | O_DIRECTORY, for: .list) else { return nil }
            let copy: FileDescriptor
            do throws(Errno) {
                let number = directory.descriptor.rawValue
                copy = FileDescriptor(rawValue: try retrying { fcntl(number, F_DUPFD_CLOEXEC, 0) })
                for name in try names(in: copy) {
                    var (major, minor): (UInt32, UInt32) = (0, 0)
                    // A descriptor that was closed meanwhile is not a device either.
                    guard gpa_device_number(number, name, &major, &minor) == 1 else { continue }
                    if let node = devices.node(major: major, minor: minor) { nodes.insert(node) }
                }
            } catch { throw .file(.list, path, cause: error) }
        } catch {
            guard error.isOfEndedProcess else { throw error }
            return nil
        }
        return nodes.sorted()
    }
}

/// The major numbers of NVIDIA's character devices, as the kernel lists them in `/proc/devices`.
struct NVIDIADevices {
    private var names: [UInt32: String]

    /// The major number of `nvidia0`, `nvidiactl` and `nvidia-modeset`, which is assigned for good.
    ///
    /// Source: Documentation/admin-guide/devices.txt in the kernel, and nv-frontend.c in NVIDIA's kernel modules.
    private static let frontend: UInt32 = 195

    /// Reads the content of `/proc/devices`.
    ///
    /// The other numbers are assigned when the modules are loaded: `511 nvidia-uvm`.
    init(_ text: String) {
        let characters = text.prefix(upTo: text.firstRange(of: "Block devices:")?.lowerBound ?? text.endIndex)
        let pairs = characters.split(whereSeparator: \.isNewline).compactMap { line -> (UInt32, String)? in
            let words = line.split(separator: " ")
            // gdrdrv is the module of GDRCopy, which uses the driver.
            guard words.count == 2, words[1].hasPrefix("nvidia") || words[1] == "gdrdrv",
                let major = UInt32(words[0])
            else { return nil }
            return (major, String(words[1]))
        }
        names = Dictionary(pairs) { first, _ in first }
        names[Self.frontend] = "nvidia"
    }

    /// The name of a device node below `/dev`, as NVIDIA's tools create it; nil when it is not NVIDIA's.
    func node(major: UInt32, minor: UInt32) -> String? {
        guard let name = names[major] else { return nil }
        switch (name, minor) {
        case ("nvidia", 255): return "nvidiactl"
        case ("nvidia", 254): return "nvidia-modeset"
        case ("nvidia", _): return "nvidia\(minor)"
        case ("nvidia-uvm", 0): return "nvidia-uvm"
        case ("nvidia-uvm", 1): return "nvidia-uvm-tools"
        case ("gdrdrv", _): return "gdrdrv"
        case ("nvidia-caps", _): return "nvidia-caps/nvidia-cap\(minor)"
        default: return "\(name) \(minor)"
        }
    }
}

extension HostError {
    /// Whether the file below `/proc/PID` is gone because the process has ended.
    var isOfEndedProcess: Bool {
        switch self {
        case .file(_, _, .noSuchFileOrDirectory), .file(_, _, .noSuchProcess): true
        default: false
        }
    }
}
