import Host
import NodeModel
import Support
import SystemPackage

extension HostError {
    /// Returns the finding for an error on the host.
    ///
    /// `step` has the texts of the step that failed.
    func failure(_ step: StepFailure) -> AgentFailure {
        let problem: Finding
        switch self {
        case .lockHeld:
            problem = Finding(
                .hostLocked,
                observed: errorChain(self),
                expected: "one installer on a host at a time",
                remedy: "Wait until the process that holds the lock exits. If it hangs, end it."
            )
        case .root, .noRootedOpen:
            problem = Finding(
                .hostUnreachable,
                observed: errorChain(self),
                expected: "the root directory of the host",
                remedy: "Run the agent as root in the PID namespace of the host (hostPID: true)."
            )
        case .commandNotStarted:
            problem = Finding(
                step.code,
                observed: errorChain(self),
                expected: "a command that the agent can start on the host",
                remedy: "Run the agent as root in the PID namespace of the host (hostPID: true). "
                    + "Make sure that the command is installed on the host."
            )
        case .notOwn(let path, _):
            problem = Finding(
                step.code,
                observed: errorChain(self),
                expected: "a directory or a regular file that root owns and nobody else can write to",
                remedy: "Examine \(path) on the node and remove it. The agent creates it again."
            )
        case .newer(let path, _):
            problem = Finding(
                step.code,
                observed: errorChain(self),
                expected: "a journal that this version of the agent or an earlier version wrote",
                remedy: "Use the version of the agent that wrote \(path), or a newer one."
            )
        case .jobRunning(let job), .jobDeadline(let job, limit: _):
            // The steps of an uninstall end with its command.
            let uninstalls = step.remedy.contains("gpu-agent uninstall")
            problem = job.finding(observed: errorChain(self), uninstalls: uninstalls)
        case .waitCancelled:
            // The error names a job of the host, and the reader does not know the job.
            problem = Finding(
                step.code,
                observed: "\(step.subject): \(errorChain(self))",
                expected: "no error",
                remedy: step.remedy
            )
        case .file(_, let path, cause: .noSpace), .file(_, let path, cause: .diskQuotaExceeded):
            problem = .fullDisk(
                errorChain(self),
                "Free up space in \(path.parent) on the node, and run the command again."
            )
        case .commandFailed(let failure) where FullDisk.line(in: failure.errorTail) != nil:
            problem = .fullDisk(errorChain(self), FullDisk.remedy)
        default:
            problem = Finding(step.code, observed: errorChain(self), expected: "no error", remedy: step.remedy)
        }
        return AgentFailure(problem)
    }
}

extension Finding {
    /// The problem that a step has an effect of another version of the agent.
    static func unknownEffect(_ kind: String, of step: PlannedStep) -> Finding {
        Finding(
            step.failure.code,
            observed: "This version of the agent does not know the effect '\(kind)' of step \(step.id.rawValue).",
            expected: "an effect that this version of the agent knows",
            remedy: "Use the version of the agent that wrote \(HostLayout.journal)."
        )
    }
}
