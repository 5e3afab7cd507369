import Support
import SystemPackage

extension HostJob {
    /// Starts the command, which inherits the lock, in a transient unit of this name.
    ///
    /// On a host with systemd, the command gets a transient scope unit: a control group of its own. Otherwise it would
    /// run in the control group of the pod, with the memory limit of the pod, and the container runtime would kill it
    /// together with the pod. A scope has the processes of its caller, so the lock is inherited as without systemd.
    func launch(
        _ arguments: [String],
        lock: FileDescriptor,
        unit: String?,
        environment: [String: String],
        durable: Bool
    ) async throws(HostError) {
        let starter = ["sh", "-c", Self.starter, "gpu-agent-job", home.text]
        let script = ["sh", "-c", Self.script, "gpu-agent-job", home.text, durable ? "durable" : ""]
        _ = try await commands.run(
            ["setsid", "--fork"] + starter + (unit.map(scope) ?? []) + script + arguments,
            standardInput: lock,
            deadline: .seconds(30),
            environment: environment
        )
    }

    /// The name of the transient unit of the job.
    ///
    /// A process that an earlier job left behind keeps the unit of that job, so the name has the time of the start.
    func unit(startedAt time: Timestamp) -> String {
        let name = name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "_" }
        return "gpu-agent-\(String(name))-\(time.milliseconds).scope"
    }

    /// The command that runs a job in its transient unit.
    ///
    /// The build of a driver uses all processors. It gets half of the weight of a service, such as the kubelet, and at
    /// most half of the memory of the node.
    private func scope(_ unit: String) -> [String] {
        [
            "systemd-run", "--scope", "--quiet", "--collect", "--unit=\(unit)",
            "--description=Job \(name) of gpu-agent", "--property=CPUWeight=50", "--property=IOWeight=50",
            "--property=MemoryMax=50%", "--",
        ]
    }

    /// The script that starts the other one, with or without systemd.
    ///
    /// An error of systemd-run is in the log of the job. The lock is then free and there is no result, so the job is
    /// lost.
    private static let starter = """
        exec >>"$1/log" 2>&1; shift; exec "$@"
        """

    /// The script that runs the command on the host.
    ///
    /// Its standard input is the lock file, which the command inherits. The umask of the agent could make what an
    /// installer creates unreadable or writable for everybody, so the job has its own. The kernel would kill a process
    /// with the score of a pod too early or, with that of a critical pod, never. Only the file systems on which a driver
    /// has files are written to the disk, because another one, such as a network file system, can hang.
    private static let script = """
        umask 022; dir=$1 durable=$2; shift 2; cd /
        echo 0 >/proc/$$/oom_score_adj
        read -r stat </proc/$$/stat; start=$(set -- ${stat##*) }; echo "${20}")
        echo "$$ $start" >"$dir/pid.new" && mv "$dir/pid.new" "$dir/pid"
        "$@"
        status=$?; [ $status != 0 ] || [ -z "$durable" ] || sync -f / /usr /var || status=$?
        echo $status >"$dir/result.new" && sync "$dir/result.new" && mv "$dir/result.new" "$dir/result"
        """
}
