import Support
package import SystemPackage

/// An operation on the host that failed: one case for each kind of operation, with its subject and its cause.
package enum HostError: CausedError, Sendable {
    /// An operation on a file or directory of the host.
    package enum FileOperation: String, Sendable {
        case open, read, list, status, resolve, measure, create, write, remove
    }

    /// The host's root directory could not be opened. The path is the one that the agent's container uses.
    case root(String, cause: Errno)
    /// The kernel does not have the system call openat2, or a seccomp filter blocks it.
    case noRootedOpen(cause: Errno)
    case file(FileOperation, HostPath, cause: Errno)
    /// The path names a directory, device, pipe or socket where a regular file was expected.
    case notAFile(HostPath)
    /// A file or directory of the agent is not safe to use.
    case notOwn(HostPath, why: String)
    /// A newer version of the agent wrote the file; the text says how this shows.
    case newer(HostPath, String)
    /// The file is larger than the limit, in bytes.
    case tooLarge(HostPath, limit: Int)
    /// The file was opened, but the kernel reports a location outside the host's root directory.
    case outsideRoot(HostPath, found: String)
    /// A file of the agent on the host, or a name in this directory, does not have the expected form.
    case malformed(HostPath, cause: any Error)
    /// The command could not be started: it is missing on the host, or the host's namespaces could not be entered.
    case commandNotStarted([String], cause: any Error)
    /// The command ended with a status other than 0, or by a signal.
    case commandFailed(CommandFailure)
    /// The deadline passed, and the command was killed with its whole process group.
    case commandDeadline([String], limit: Duration, outputTail: String)
    /// The task was canceled, and the command was killed with its whole process group.
    case commandCancelled([String])
    /// A job runs, so it cannot be forgotten, and no other job can start.
    case jobRunning(RunningJob)
    /// The deadline passed while the agent waited for the job. The job continues.
    case jobDeadline(RunningJob, limit: Duration)
    /// The task was canceled while it waited for this job or lock. The job or lock is unchanged.
    case waitCancelled(String)
    /// Another process holds the host-wide lock.
    case lockHeld(HostPath, holder: String, waited: Duration)

    package var cause: (any Error)? {
        switch self {
        case .root(_, let cause), .noRootedOpen(let cause), .file(_, _, let cause): cause
        case .malformed(_, let cause), .commandNotStarted(_, let cause): cause
        case .commandFailed(let failure): failure
        case .notAFile, .notOwn, .newer, .tooLarge, .outsideRoot, .commandDeadline, .commandCancelled, .jobRunning,
            .jobDeadline, .waitCancelled, .lockHeld:
            nil
        }
    }
}

extension HostError {
    package var description: String {
        switch self {
        case .root(let path, _): "cannot open the host's root directory \(path)"
        case .noRootedOpen:
            "the system call openat2 is not available; it needs kernel 5.6 or newer and a seccomp filter that allows it"
        case .file(let operation, let path, _): "cannot \(operation.verb) \(path)"
        case .notAFile(let path): "\(path) is not a regular file"
        case .notOwn(let path, let why): "\(path) is not safe to use: \(why)"
        case .newer(let path, let sign): "a newer version of the agent wrote \(path): \(sign)"
        case .tooLarge(let path, let limit): "\(path) is larger than \(limit) bytes"
        case .outsideRoot(let path, let found): "\(path) resolves to \(found), outside the host's root directory"
        case .malformed(let path, _): "\(path) is malformed"
        case .commandNotStarted(let arguments, _): "cannot start '\(commandName(arguments))' on the host"
        case .commandFailed(let failure): "'\(commandName(failure.arguments))' failed on the host"
        case .commandDeadline(let arguments, let limit, _):
            "'\(commandName(arguments))' did not end within \(limit) and was killed"
        case .commandCancelled(let arguments): "'\(commandName(arguments))' was canceled and killed"
        case .jobRunning(let job): "\(job) is already running"
        case .jobDeadline(let job, let limit): "\(job) did not end within \(limit) and is still running"
        case .waitCancelled(let name): "the wait for \(name) was canceled"
        case .lockHeld(let path, let holder, let waited):
            "another process holds the lock \(path) (\(holder), waited \(waited))"
        }
    }
}

/// A command for people: a script of the agent has its name, and not its text.
private func commandName(_ arguments: [String]) -> String {
    let isScript = arguments.count > 3 && arguments[0] == "sh" && ["-c", "-ec"].contains(arguments[1])
    return (isScript ? Array(arguments[3...]) : arguments).joined(separator: " ")
}

extension HostError.FileOperation {
    fileprivate var verb: String {
        switch self {
        case .status: "read the attributes of"
        case .measure: "measure the free space of"
        case .open, .read, .list, .resolve, .create, .write, .remove: rawValue
        }
    }
}

/// How a command on the host failed, with the last lines of its output.
package struct CommandFailure: CausedError, Sendable, Equatable {
    package enum End: Sendable, Equatable {
        case exited(Int)
        case signaled(Int)
    }

    package var arguments: [String]
    package var end: End
    /// The last lines of standard error.
    package var errorTail: String

    package var cause: (any Error)? { nil }

    package init(arguments: [String], end: End, errorTail: String) {
        self.arguments = arguments
        self.end = end
        self.errorTail = errorTail
    }
}

extension CommandFailure {
    package var description: String {
        let said = errorTail.split(separator: "\n").suffix(3).joined(separator: "; ")
        let how =
            switch end {
            case .exited(let status): "exit status \(status)"
            case .signaled(let signal): "signal \(signal)"
            }
        return said.isEmpty ? how : "\(how): \(said)"
    }
}
