import Host
import NodeModel
import Planning
import Support

/// A change of the host by one process at a time: an install or an uninstall.
struct HostChange: Sendable {
    let root: HostRoot
    let commands: HostCommands
    /// The pod that this process runs in, for a process that waits for the lock; nil outside of a pod.
    let pod: String?
    /// The longest that the agent waits for one job of the host.
    let longestJob: Duration
    /// The message when the agent cannot write its journal.
    private var failure = StepFailure.state
    private(set) var progress: @Sendable (InstallProgress) -> Void

    init(
        root: HostRoot,
        commands: HostCommands,
        pod: String?,
        longestJob: Duration = Self.longestJob,
        progress: @escaping @Sendable (InstallProgress) -> Void
    ) {
        self.root = root
        self.commands = commands
        self.pod = pod
        self.longestJob = longestJob
        self.progress = progress
    }

    /// How long to wait for a daemon on this host that reads the GPUs.
    static let patienceWithAgents = Duration.seconds(20)

    /// The longest deadline of a step with a job: a package manager that waits for its lock.
    static let longestJob = Duration.seconds(2700)

    var store: JournalStore { JournalStore(root: root) }

    /// Runs `work` while this process holds the host's lock, and records its progress for `status`.
    ///
    /// - Parameters:
    ///   - lockDeadline: How long to wait for the lock.
    ///   - failure: The message when the lock cannot be taken.
    ///   - work: The change. It gets this value, with the recorded progress.
    /// - Returns: The value of `work`.
    /// - Throws: The error of `work`, or `host-locked` when another process holds the lock.
    func run<Value: Sendable>(
        lockDeadline: Duration,
        failure: StepFailure,
        _ work: (HostChange) async throws(AgentFailure) -> Value
    ) async throws(AgentFailure) -> Value {
        let lock: HostLock
        do throws(HostError) {
            let progress = progress
            lock = try await HostLock.acquire(on: root, deadline: lockDeadline, as: HostLock.holderName(pod: pod)) {
                progress(.waitingForLock(holder: $0))
            }
        } catch { throw error.failure(failure) }
        defer { lock.release() }
        let recorder = ActivityRecorder(ActivityFile(root: root))
        var recorded = self
        recorded.failure = failure
        recorded.progress = { [progress] report in
            recorder.note(report)
            progress(report)
        }
        return try await recorder.during { [recorded] () async throws(AgentFailure) in try await work(recorded) }
    }

    /// Writes the journal, and returns when it is on the disk.
    func save(_ journal: Journal) async throws(AgentFailure) {
        do throws(HostError) { try await store.save(journal) } catch { throw error.failure(failure) }
    }
}

extension AgentFailure {
    /// The agent has no process of the host to run commands in, or no root rights.
    static let noCommands = AgentFailure(
        Finding(
            .hostUnreachable,
            observed: "The agent cannot run commands on the host.",
            expected: "root rights, and a host process whose namespaces the agent can enter (--host-pid)",
            remedy: "Run as root. In a pod, set hostPID: true and privileged: true."
        )
    )
}
