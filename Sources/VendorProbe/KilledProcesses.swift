import Glibc
import Support
import SystemPackage

/// The processes of agents that were killed and have not ended, from `/proc` (proc(5)).
///
/// Only files that the kernel shows without the lock of the memory of the process are read. A process that hangs in the
/// driver can hold this lock, and a read of its `cmdline` would hang, too.
struct KilledProcesses: Sendable {
    /// The name of the processes of an agent, which the child process gives itself.
    ///
    /// The kernel names a process after its file, and the agent starts its child as `/proc/self/exe`.
    static let name = "gpu-agent"
    /// More processes than this are not looked at; a usual host has some hundred.
    private static let limit = 1 << 16

    /// The directory with the processes of the host.
    var proc: String

    /// Their IDs.
    ///
    /// It is empty when the directory cannot be read. A process that cannot be read is left out.
    func all() -> Set<pid_t> {
        guard let directory = opendir(proc) else { return [] }
        defer { closedir(directory) }
        var (found, seen) = (Set<pid_t>(), 0)
        while seen < Self.limit, let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let process = pid_t(name) else { continue }
            seen += 1
            guard text(process, "comm") == Self.name + "\n", let stat = text(process, "stat"),
                let status = text(process, "status")
            else { continue }
            if Self.isStuck(stat: stat, status: status, user: geteuid()) { found.insert(process) }
        }
        return found
    }

    /// Whether a process of a user was killed, or ends, and has not ended.
    ///
    /// - Parameters:
    ///   - stat: The contents of `/proc/PID/stat`.
    ///   - status: The contents of `/proc/PID/status`.
    ///   - user: The user of the agent. Another one could give any process the name of the agent.
    /// - Returns: False also when the texts have another form.
    static func isStuck(stat: String, status: String, user: uid_t) -> Bool {
        // The second field is a name in parentheses, which can contain any character.
        guard let name = stat.lastIndex(of: ")") else { return false }
        // The first of these is the third field of proc_pid_stat(5).
        let fields = stat[stat.index(after: name)...].split(separator: " ")
        guard fields.count > 17, let flags = UInt32(fields[6]), let threads = Int(fields[17]),
            let owner = words("Uid:", in: status).dropFirst().first, uid_t(owner) == user
        else { return false }
        let pending = ["SigPnd:", "ShdPnd:"].compactMap { words($0, in: status).first }
        let isKilled = pending.contains { UInt64($0, radix: 16).map { $0 & killed != 0 } ?? false }
        let isEnding = flags & exiting != 0
        // The parent has not read the exit status yet, which does not take long. With threads, one of these is stuck.
        let hasEnded = ["Z", "X"].contains(fields[0]) && threads < 2
        return (isKilled || isEnding) && !hasEnded
    }

    /// The flag of the kernel for a process that ends (`PF_EXITING` in `include/linux/sched.h`).
    private static let exiting: UInt32 = 4
    /// The bit of `SIGKILL` in a set of signals.
    private static let killed: UInt64 = 1 << 8

    /// The words after a name in `/proc/PID/status`; of `Uid:`, the second is the effective user.
    private static func words(_ name: String, in status: String) -> [Substring] {
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.dropFirst(name.count).split { $0 == "\t" || $0 == " " } ?? []
    }

    private func text(_ process: pid_t, _ file: String) -> String? {
        guard let descriptor = try? FileDescriptor.open("\(proc)/\(process)/\(file)", .readOnly) else { return nil }
        defer { try? descriptor.close() }
        // Each of these files is shorter, and the kernel gives it in one piece.
        let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            count = (try? descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
