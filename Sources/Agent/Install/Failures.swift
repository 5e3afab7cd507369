import Host
import NodeModel
import Support

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
                remedy: "Wait until the other installer exits, or stop it if it hangs."
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
                expected: "a real directory or file of root that nobody else can write to",
                remedy: "Examine \(path) on the node and remove it. The agent creates it again."
            )
        case .newer(let path, _):
            problem = Finding(
                step.code,
                observed: errorChain(self),
                expected: "a journal of this version or of an earlier one",
                remedy: "Use the version of the agent that wrote \(path), or a newer one."
            )
        case .jobRunning, .jobDeadline, .waitCancelled:
            // These errors name a job of the host, and the reader does not know the job.
            problem = Finding(
                step.code,
                observed: "\(step.subject): \(errorChain(self))",
                expected: "no error",
                remedy: step.remedy
            )
        default:
            problem = Finding(step.code, observed: errorChain(self), expected: "no error", remedy: step.remedy)
        }
        return AgentFailure(problem)
    }
}

extension DownloadError {
    func failure(of file: Effect.Download, _ step: StepFailure) -> AgentFailure {
        let observed = errorChain(self)
        let address = redacted(file.urls.first ?? "the URL")
        switch self {
        case .wrongDigest(_, let expected, let actual):
            let problem = Finding(
                .downloadHashMismatch,
                observed: "\(file.fileName) has the checksum \(actual). The agent deleted the file.",
                expected: "\(expected)",
                remedy: "Do not install this file. Compare the checksum in the catalog with the checksum of the "
                    + "vendor, and find out which server answers at \(address)."
            )
            return AgentFailure(problem)
        case .noSpace: return failure(observed, file, step, "Free some space in \(file.directory) on the node.")
        case .file, .busy, .cancelled: return failure(observed, file, step, step.remedy)
        case .badRequest, .badAddress:
            let remedy = "Correct the URLs of this driver in the catalog (gpu-agent plan)."
            return failure(observed, file, step, remedy)
        case .badProxy(let variable):
            return failure(observed, file, step, "Correct \(variable) in the environment of the agent.")
        case .refused, .badRedirect, .webPage, .unavailable, .deadline, .wrongSize, .tooLarge:
            let remedy =
                "Request \(address) from the node and look at the response, "
                + "or add a mirror to your own catalog."
            return failure(observed, file, step, remedy)
        }
    }

    private func failure(
        _ observed: String,
        _ file: Effect.Download,
        _ step: StepFailure,
        _ remedy: String
    ) -> AgentFailure {
        let problem = Finding(step.code, observed: observed, expected: file.fileName, remedy: remedy)
        return AgentFailure(problem)
    }
}

extension Finding {
    /// The problem that a step has an effect of another version of the agent.
    static func unknownEffect(_ kind: String, of step: PlannedStep) -> Finding {
        Finding(
            step.failure.code,
            observed: "This version of the agent does not know the effect '\(kind)' of step \(step.id.rawValue).",
            expected: "an effect of this version",
            remedy: "Use the version of the agent that wrote \(HostLayout.journal)."
        )
    }
}

/// Finds in the log of a job why it failed.
struct JobLog {
    var path: HostPath
    /// Whether the program marks errors in its log with `ERROR:`.
    ///
    /// Then only these lines tell why the job failed.
    var hasOwnErrors: Bool
    var failure: StepFailure

    /// Chooses the log: the file that the program writes, or else the output of the job.
    init(of job: Effect.Job, output: HostPath, failure: StepFailure) {
        path = job.log.flatMap { HostPath(absolute: $0) } ?? output
        hasOwnErrors = job.log != nil
        self.failure = failure
    }

    /// Returns a problem with the last two lines that begin with `ERROR:`.
    ///
    /// When a log without marked errors has no such line, the problem has its last two lines.
    func problem(_ outcome: HostJob.Outcome, root: HostRoot) -> Finding {
        let log = (try? root.text(path, limit: 8 << 20)) ?? nil
        return problem(outcome, log: log ?? "")
    }

    func problem(_ outcome: HostJob.Outcome, log: String) -> Finding {
        let lines = log.split(separator: "\n")
        let errors = lines.filter { $0.hasPrefix("ERROR:") }.map { $0.dropFirst("ERROR:".count) }
        let telling = (errors.isEmpty && !hasOwnErrors ? lines : errors).suffix(2)
            .map { $0.split(separator: " ").joined(separator: " ") }
        return Finding(
            failure.code,
            observed: ([description(of: outcome)] + telling).joined(separator: ": "),
            expected: "status 0",
            remedy: "Read \(path) on the node."
        )
    }

    private func description(of outcome: HostJob.Outcome) -> String {
        switch outcome {
        case .finished(let status): "\(failure.subject) exited with status \(status)"
        case .lost: "\(failure.subject) was killed"
        case .absent: "\(failure.subject) was never started"
        }
    }
}
