import Host
import NodeModel

extension RunningJob {
    /// The finding that the job still runs, with the commands that show its processes and end it.
    ///
    /// - Parameters:
    ///   - observed: What happened, as a sentence.
    ///   - uninstalls: Whether the job belongs to an uninstall, which no daemon continues.
    /// - Returns: The finding `job-running`.
    func finding(observed: String, uninstalls: Bool = false) -> Finding {
        Finding(
            .jobRunning,
            observed: observed,
            expected: "the end of the job before the agent changes anything else",
            remedy:
                "\(look) Its output is in \(directory)/log. When the job ends, "
                + (uninstalls ? "run 'gpu-agent uninstall' again." : "run 'gpu-agent install', or wait for the daemon.")
                + " \(end) If a process cannot be killed, reboot the node."
        )
    }

    private var look: String {
        let command = unit.map { "systemctl status \($0)" } ?? pid.map { "ps -f -g \($0)" }
        return "Run '\(command ?? "fuser -v \(directory)/lock")' on the node to see the processes of the job."
    }

    private var end: String {
        let command = unit.map { "systemctl stop \($0)" } ?? pid.map { "kill -- -\($0)" }
        return "If the job hangs, \(command.map { "run '\($0)'" } ?? "kill these processes")."
    }
}

extension AgentFailure {
    /// Whether a job of the failed step still runs on the host, so that nothing else may change the host.
    var leavesJobRunning: Bool { problem.code == .jobRunning }
}
