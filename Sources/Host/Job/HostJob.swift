import FoundationEssentials
import Glibc
import NodeModel
package import Support
import SystemPackage

/// Long work on the host that outlives the agent: an agent that is killed and started again finds it by its name.
///
/// A job has a directory, `/var/lib/gpu-agent/jobs/NAME`:
///
/// - `job.json`: the command and when it was started, written before the start;
/// - `lock`: the job's processes hold a lock (`flock`) on it, as an open descriptor that the agent hands to them. So
///   the kernel itself says whether the job runs: there is no moment between start and record in which it could be
///   missed, and no process id that could mean another process by now;
/// - `pid`: the process id on the host, which is also the session's, and the kernel's start time of it;
/// - `log`: everything it says;
/// - `result`: its exit status, once it ended.
///
/// A full disk or a power failure can spoil any of these files. None of them can then keep the job from being judged,
/// forgotten or started again: what runs is told by the lock, and what does not run and left no result is lost.
///
/// The job is a session of its own without a terminal, so no signal reaches it when the agent dies. Where the host runs
/// systemd a transient unit could take the place of `launch`; the directory would stay.
package struct HostJob: Sendable {
    static let directory = HostPath(stringLiteral: HostLayout.jobs)

    package let name: String
    /// The job's own directory.
    let home: HostPath
    let root: HostRoot
    let commands: HostCommands

    /// Fails with `malformed` for a name that is no name of a file.
    package init(_ name: String, root: HostRoot, commands: HostCommands) throws(HostError) {
        home = try Self.directory.entry(name)
        self.name = name
        self.root = root
        self.commands = commands
    }

    /// What was started, and when.
    package struct Record: Codable, Sendable, Equatable {
        package var arguments: [String]
        /// When the job was started.
        package var startedAt: Timestamp
    }

    package enum State: Sendable, Equatable {
        /// Never started, or forgotten.
        case absent
        /// Without a record when `job.json` is spoilt.
        case running(Record?)
        /// It ended: the exit status as a shell gives it (128 and the signal's number, for a signal).
        case finished(Record, status: Int)
        /// Its processes are gone and left no result, or none that can be read: killed, the host went down, or its disk
        /// was full.
        case lost(Record?)
    }

    /// The file that takes everything the job says.
    package var log: HostPath { file("log") }

    /// Starts the job, and returns when it runs.
    ///
    /// What an earlier one of this name left is removed, and what jobs of other names left that run no more: only the
    /// holder of the host's lock may start jobs. Fails with `jobRunning` when the earlier one still runs.
    package func start(_ arguments: [String], environment: [String: String] = [:]) async throws(HostError) {
        let lock = try await offPool { () throws(HostError) in try prepare(arguments) }
        // The job's processes have the same open file, and so the lock stays with them.
        defer { try? lock.close() }
        try await launch(arguments, lock: lock, environment: environment)
    }

    package func state() async throws(HostError) -> State {
        try await offPool { () throws(HostError) in try currentState() }
    }

    /// Removes what is left of the job; one that runs is left alone (`jobRunning`).
    package func forget() async throws(HostError) {
        try await offPool { () throws(HostError) in
            if try isRunning() { throw .jobRunning(name) }
            try root.removeTree(home)
        }
    }

    func file(_ name: String) -> HostPath {
        home.appending(name)
    }

    func currentState() throws(HostError) -> State {
        let (isRunning, record) = (try isRunning(), record)
        if isRunning { return .running(record) }
        // A file that is there and cannot be looked at is spoilt, not gone.
        guard (try? root.exists(file("job.json"))) ?? true else { return .absent }
        guard let record, let status = exitStatus else { return .lost(record) }
        return .finished(record, status: status)
    }

    /// A daemon that a finished job left behind may still hold the lock: with a result the job has ended all the same.
    private func isRunning() throws(HostError) -> Bool {
        // Asked before the result is read: one that ends in between has written it.
        let isLocked = try isLocked()
        return isLocked && exitStatus == nil
    }

    /// Nil when it is not there, or spoilt.
    private var record: Record? {
        guard let text = try? root.read(file("job.json")) else { return nil }
        return try? JSONDecoder().decode(Record.self, from: Data(text))
    }

    /// Nil when it is not there, or spoilt.
    private var exitStatus: Int? {
        guard let text = try? root.text(file("result")) else { return nil }
        return Int(text.trimmed)
    }

    private func isLocked() throws(HostError) -> Bool {
        guard let lock = try root.open(file("lock"), O_RDONLY, for: .open) else { return false }
        if flock(lock.descriptor.rawValue, LOCK_SH | LOCK_NB) == 0 { return false }
        let code = Errno(rawValue: errno)
        if code == .wouldBlock { return true }
        throw .file(.open, file("lock"), cause: code)
    }

    /// Makes the job's directory anew and returns the lock, held.
    private func prepare(_ arguments: [String]) throws(HostError) -> FileDescriptor {
        if try isRunning() { throw .jobRunning(name) }
        // A daemon that an earlier job left behind may still hold the old lock, so the new one is another file.
        for other in try root.list(Self.directory) ?? [] where other != name {
            let job = try HostJob(other, root: root, commands: commands)
            // What cannot be judged or removed does not keep this job from its start.
            if (try? job.isRunning()) == false { try? root.removeTree(job.home) }
        }
        try root.removeTree(home)
        try root.makeDirectories(home, mode: 0o700)
        guard let lock = try root.open(file("lock.new"), O_RDONLY | O_CREAT | O_EXCL, mode: 0o600, for: .create) else {
            throw .file(.create, file("lock"), cause: .noSuchFileOrDirectory)
        }
        do throws(Errno) { try retrying { flock(lock.descriptor.rawValue, LOCK_EX | LOCK_NB) } } catch {
            throw .file(.open, file("lock"), cause: error)
        }
        // It gets its name when it is held, so that nobody who looks can hold it first.
        try root.rename(file("lock.new"), to: file("lock"))
        try root.writeAtomically(log, contents: [], mode: 0o600)
        let record = Record(arguments: arguments, startedAt: Timestamp(Double(time(nil))))
        try root.writeJSON(file("job.json"), record, mode: 0o600)
        return lock.release()
    }

    private func launch(
        _ arguments: [String],
        lock: FileDescriptor,
        environment: [String: String]
    ) async throws(HostError) {
        let shell = ["sh", "-c", Self.script, "gpu-agent-job", home.text]
        _ = try await commands.run(
            ["setsid", "--fork"] + shell + arguments,
            standardInput: lock,
            deadline: .seconds(30),
            environment: environment
        )
    }

    /// Runs on the host; its standard input is the lock, which the command inherits.
    private static let script = """
        dir=$1; shift; cd /; exec >>"$dir/log" 2>&1
        read -r stat </proc/$$/stat; start=$(set -- ${stat##*) }; echo "${20}")
        echo "$$ $start" >"$dir/pid.new" && mv "$dir/pid.new" "$dir/pid"
        "$@"
        echo $? >"$dir/result.new" && sync "$dir/result.new" && mv "$dir/result.new" "$dir/result"
        """
}
