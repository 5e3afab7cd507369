import FoundationEssentials
import Glibc
import NodeModel
import Support
import SystemPackage

/// A long-running command on the host that outlives the agent.
///
/// A restarted agent finds it by its name.
///
/// Each job has a directory, `/var/lib/gpu-agent/jobs/NAME`, with these files:
///
/// - `job.json`: the command, its start time and its unit, written before the start;
/// - `lock`: the job's processes inherit an open descriptor of this file and hold a lock (`flock`) on it. The kernel
///   therefore knows whether the job is running. There is no gap between the start and the record, and no process ID
///   that may belong to another process by now;
/// - `pid`: the process ID on the host, which is also the session ID, and the kernel's start time of that process;
/// - `log`: the output of the job;
/// - `result`: the exit status, written when the job ends. A job that is `durable` first writes the files of the host
///   to the disk, so that a power failure cannot leave the result without them.
///
/// A full disk or a power failure can damage any of these files. The job can still be examined, forgotten and started
/// again: the lock says whether it is running, and a job that is not running and has no result is lost.
///
/// The job runs in its own session without a terminal, so no signal reaches it when the agent dies. On a host with
/// systemd, it also has its own control group, so it outlives the pod of the agent.
package struct HostJob: Sendable {
    static let directory = HostPath(stringLiteral: HostLayout.jobs)

    package let name: String
    /// The job's own directory.
    let home: HostPath
    let root: HostRoot
    let commands: HostCommands

    /// Describes a job; nothing is read or started.
    ///
    /// - Throws: `malformed` when the name is not a valid file name.
    package init(_ name: String, root: HostRoot, commands: HostCommands) throws(HostError) {
        home = try Self.directory.entry(name)
        self.name = name
        self.root = root
        self.commands = commands
    }

    package typealias Record = JobRecord

    /// What the directory of the job and its lock show.
    package enum State: Sendable, Equatable {
        /// The job was never started, or it was forgotten.
        case absent
        /// The job is running. The record is nil when `job.json` is damaged.
        case running(Record?)
        /// The job ended. The status is that of a shell: 128 plus the number of the signal for a killed command.
        case finished(Record, status: Int)
        /// The processes of the job are gone and left no readable result: they were killed, the host went down, or its
        /// disk was full.
        case lost(Record?)
    }

    /// The file with the output of the job.
    package var log: HostPath { file("log") }

    /// Starts the job and returns when it is running.
    ///
    /// Removes the directory of an earlier job of this name, and those of other jobs that ended. Only the holder of the
    /// host's lock may start a job, and only one job runs at a time: two installers would damage each other's files.
    ///
    /// - Parameters:
    ///   - arguments: The command.
    ///   - environment: Further environment variables of the command.
    ///   - durable: Whether the job succeeds only when the host's file systems are written to the disk.
    ///   - deadlineSeconds: How long the job may take, for an agent that finds it later.
    /// - Throws: `jobRunning` when an earlier job is still running, whatever its name is.
    package func start(
        _ arguments: [String],
        environment: [String: String] = [:],
        durable: Bool = false,
        deadlineSeconds: Int? = nil
    ) async throws(HostError) {
        let hasSystemd = try await offPool { () throws(HostError) in try root.isDirectory("/run/systemd/system") }
        let now = Record.Moment.now()
        let unit = hasSystemd ? unit(startedAt: now.time) : nil
        let record = Record(
            arguments: arguments,
            startedAt: now.time,
            unit: unit,
            deadlineSeconds: deadlineSeconds,
            startedAtUptime: now.uptime
        )
        let lock = try await offPool { () throws(HostError) in try prepare(record) }
        // The job's processes share the open file description, so the lock stays with them.
        defer { try? lock.close() }
        try await launch(arguments, lock: lock, unit: unit, environment: environment, durable: durable)
    }

    /// The state of the job now.
    package func state() async throws(HostError) -> State {
        try await offPool { () throws(HostError) in try currentState() }
    }

    /// Removes the directory of the job.
    ///
    /// - Throws: `jobRunning` when the job is running.
    package func forget() async throws(HostError) {
        try await offPool { () throws(HostError) in
            if try isRunning() { throw .jobRunning(whereItRuns()) }
            try root.removeTree(home)
        }
    }

    func file(_ name: String) -> HostPath {
        home.appending(name)
    }

    func currentState() throws(HostError) -> State {
        let (isRunning, record) = (try isRunning(), record)
        if isRunning { return .running(record) }
        // A file that exists but cannot be examined is damaged, not absent.
        guard (try? root.exists(file("job.json"))) ?? true else { return .absent }
        guard let record, let status = exitStatus else { return .lost(record) }
        return .finished(record, status: status)
    }

    /// Whether the job is running.
    ///
    /// With a result, it has ended, even if a background process of it holds the lock.
    func isRunning() throws(HostError) -> Bool {
        // The lock is read before the result: a job that ends in between has written its result.
        let isLocked = try isLocked()
        return isLocked && exitStatus == nil
    }

    /// The content of `job.json`; nil when it is missing or damaged.
    package var record: Record? {
        guard let text = try? root.readOwn(file("job.json")) else { return nil }
        return try? JSONDecoder().decode(Record.self, from: Data(text))
    }

    /// The content of `result`; nil when it is missing or damaged.
    private var exitStatus: Int? {
        guard let bytes = try? root.readOwn(file("result"), limit: 64) else { return nil }
        return JobRecord.exitStatus(String(decoding: bytes, as: UTF8.self))
    }

    private func isLocked() throws(HostError) -> Bool {
        guard let lock = try root.open(file("lock"), O_RDONLY | O_NONBLOCK | O_NOFOLLOW, for: .open) else {
            return false
        }
        if flock(lock.descriptor.rawValue, LOCK_SH | LOCK_NB) == 0 { return false }
        let code = Errno(rawValue: errno)
        if code == .wouldBlock { return true }
        throw .file(.open, file("lock"), cause: code)
    }

    /// Creates the job's directory and returns the locked lock file.
    private func prepare(_ record: Record) throws(HostError) -> FileDescriptor {
        if try isRunning() { throw .jobRunning(whereItRuns()) }
        // A background process of an earlier job may still hold the old lock, so the new lock is a new file.
        for other in try root.list(Self.directory) ?? [] where other != name {
            let job = try HostJob(other, root: root, commands: commands)
            // Another job's directory that cannot be examined or removed does not prevent this start.
            guard let isRunning = try? job.isRunning() else { continue }
            if isRunning { throw .jobRunning(job.whereItRuns()) }
            try? root.removeTree(job.home)
        }
        try root.removeTree(home)
        try root.makeDirectories(home, mode: 0o700)
        guard let lock = try root.open(file("lock.new"), O_RDONLY | O_CREAT | O_EXCL, mode: 0o600, for: .create) else {
            throw .file(.create, file("lock"), cause: .noSuchFileOrDirectory)
        }
        do throws(Errno) { try retrying { flock(lock.descriptor.rawValue, LOCK_EX | LOCK_NB) } } catch {
            throw .file(.open, file("lock"), cause: error)
        }
        // The file is locked before it gets its name, so that no other process can lock it first.
        try root.rename(file("lock.new"), to: file("lock"))
        try root.writeAtomically(log, contents: [], mode: 0o600)
        try root.writeJSON(file("job.json"), record, mode: 0o600)
        return lock.release()
    }
}
