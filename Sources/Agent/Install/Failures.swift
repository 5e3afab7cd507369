import Catalog
import Host
import NodeModel
import Support

extension HostError {
    /// What people are told of an error on the host; `code` names the operation it hit.
    func failure(_ code: ReasonCode) -> AgentFailure {
        let problem: Finding
        switch self {
        case .lockHeld:
            problem = Finding(
                .hostLocked,
                observed: errorChain(self),
                expected: "one installer at a time on a host",
                remedy: "wait for the other one to end, or end it if it hangs"
            )
        case .root, .noRootedOpen:
            problem = Finding(
                .hostUnreachable,
                observed: errorChain(self),
                expected: "the host's root directory",
                remedy: "run as root, in the host's PID namespace (hostPID: true)"
            )
        case .commandNotStarted:
            problem = Finding(
                code,
                observed: errorChain(self),
                expected: "the command to run on the host",
                remedy: "run as root, in the host's PID namespace; see that the command is installed on the host"
            )
        default:
            problem = Finding(code, observed: errorChain(self), expected: "no error", remedy: code.remedy)
        }
        return AgentFailure(problem, cause: self)
    }
}

extension ReasonCode {
    /// What to do after an operation that failed in a way that says nothing more.
    fileprivate var remedy: String {
        switch self {
        case .installFailed: "see that /var/lib and /var/log of the node can be written to, then gpu-agent install"
        case .moduleLoadFailed: "look at the kernel log of the node for lines with NVRM (dmesg)"
        case .moduleUnloadFailed: "something still uses the GPU: drain the node, or reboot it"
        case .installerFailed: "read \(HostLayout.installerLog) on the node"
        default: "gpu-agent install"
        }
    }
}

extension DownloadError {
    func failure(of artifact: Artifact) -> AgentFailure {
        let observed = errorChain(self)
        switch self {
        case .wrongDigest(_, let expected, let actual):
            return AgentFailure(
                Finding(
                    .downloadHashMismatch,
                    observed: "\(artifact.fileName) has \(actual); the file was deleted",
                    expected: "\(expected)",
                    remedy: "do not install this file: compare the catalog's checksum with the vendor's, "
                        + "and look at what answers at \(artifact.urls.first ?? "the URL")"
                ),
                cause: self
            )
        case .noSpace:
            return failure(observed, artifact, "free space in \(HostLayout.packages) on the node")
        case .file, .busy, .cancelled:
            return failure(observed, artifact, "look at \(HostLayout.packages) on the node, then gpu-agent install")
        case .badRequest, .badAddress:
            return failure(observed, artifact, "correct the URLs of this driver in the catalog (gpu-agent plan)")
        case .refused, .webPage, .unavailable, .deadline, .wrongSize:
            let address = artifact.urls.first ?? "the URL"
            let remedy = "see what \(address) answers on the node, or name a mirror in a catalog of your own"
            return failure(observed, artifact, remedy)
        }
    }

    private func failure(_ observed: String, _ artifact: Artifact, _ remedy: String) -> AgentFailure {
        let problem = Finding(.downloadFailed, observed: observed, expected: artifact.fileName, remedy: remedy)
        return AgentFailure(problem, cause: self)
    }
}

extension DownloadError: CausedError {}

/// What the log of a job says about its failure.
struct JobLog {
    var path: HostPath
    /// What the job was to do, as the code of its failure.
    var code: ReasonCode

    /// A problem with the lines of NVIDIA's installer that begin with `ERROR:`, or with a job's last lines.
    func problem(_ outcome: HostJob.Outcome, root: HostRoot) -> Finding {
        let log = (try? root.text(path, limit: 8 << 20)) ?? nil
        return problem(outcome, log: log ?? "")
    }

    func problem(_ outcome: HostJob.Outcome, log: String) -> Finding {
        let lines = log.split(separator: "\n")
        let errors = lines.filter { $0.hasPrefix("ERROR:") }.map { $0.dropFirst("ERROR:".count) }
        let telling = (errors.isEmpty && code != .installerFailed ? lines : errors).suffix(2)
            .map { $0.split(separator: " ").joined(separator: " ") }
        return Finding(
            code,
            observed: ([words(outcome)] + telling).joined(separator: ": "),
            expected: "status 0",
            remedy: "read \(path) on the node"
        )
    }

    private func words(_ outcome: HostJob.Outcome) -> String {
        let what = code == .installerFailed ? "the installer" : "the removal"
        return switch outcome {
        case .finished(let status): "\(what) ended with status \(status)"
        case .lost: "\(what) was killed"
        case .absent: "\(what) was never started"
        }
    }
}
