package import SystemPackage

/// Why something on the host could not be done: one case for each kind of operation, with its subject and cause.
package enum HostError: Error, Sendable {
    /// What was being done to a file or directory of the host.
    package enum FileOperation: String, Sendable {
        case open, read, list, status, resolve, measure, create, write, remove
    }

    /// The host's root could not be opened; the path is one of our side.
    case root(String, cause: Errno)
    /// The kernel, or a system call filter, does not offer openat2.
    case noRootedOpen(cause: Errno)
    case file(FileOperation, HostPath, cause: Errno)
    /// A directory, device, pipe or socket where a file was expected.
    case notAFile(HostPath)
    case tooLarge(HostPath, limit: Int)
    /// The file was opened, and where the kernel says it lies is not below the host's root.
    case outsideRoot(HostPath, found: String)
    /// One of our own files on the host, or a name below the path, is not in the form it should have.
    case malformed(HostPath, cause: any Error)
    /// The command could not be started on the host: it is missing there, or its namespaces could not be entered.
    case commandNotStarted([String], cause: any Error)
    /// The command ended, and not well.
    case commandFailed(CommandFailure)
    /// The deadline passed; the command and all of its process group were killed.
    case commandDeadline([String], limit: Duration, outputTail: String)
    /// The task was cancelled; the command and all of its process group were killed.
    case commandCancelled([String])
    /// A job of this name is running already.
    case jobRunning(String)
    /// The deadline passed; the job was not touched.
    case jobDeadline(String, limit: Duration)
    /// The task was cancelled while it waited for the job or lock of this name, which was not touched.
    case waitCancelled(String)
    /// Another process holds the host-wide lock.
    case lockHeld(HostPath, holder: String, waited: Duration)

    /// The error below this one, when there is one.
    package var cause: (any Error)? {
        switch self {
        case .root(_, let cause), .noRootedOpen(let cause), .file(_, _, let cause): cause
        case .malformed(_, let cause), .commandNotStarted(_, let cause): cause
        case .commandFailed(let failure): failure
        case .notAFile, .tooLarge, .outsideRoot, .commandDeadline, .commandCancelled, .jobRunning, .jobDeadline,
            .waitCancelled, .lockHeld:
            nil
        }
    }
}

extension HostError: CustomStringConvertible {
    /// This layer only; `cause` has the rest.
    package var description: String {
        switch self {
        case .root(let path, _): "cannot open the host's root \(path)"
        case .noRootedOpen: "openat2 is not available here; it needs kernel 5.6 and a filter that allows it"
        case .file(let operation, let path, _): "cannot \(operation.words) \(path)"
        case .notAFile(let path): "\(path) is not a regular file"
        case .tooLarge(let path, let limit): "\(path) is larger than \(limit) bytes"
        case .outsideRoot(let path, let found): "\(path) leads to \(found), which is not below the host's root"
        case .malformed(let path, _): "\(path) is malformed"
        case .commandNotStarted(let arguments, _): "cannot start '\(arguments.joined(separator: " "))' on the host"
        case .commandFailed(let failure): "'\(failure.arguments.joined(separator: " "))' failed on the host"
        case .commandDeadline(let arguments, let limit, _):
            "'\(arguments.joined(separator: " "))' did not end within \(limit) and was killed"
        case .commandCancelled(let arguments): "'\(arguments.joined(separator: " "))' was cancelled and killed"
        case .jobRunning(let name): "job \(name) is running already"
        case .jobDeadline(let name, let limit): "job \(name) did not end within \(limit) and still runs"
        case .waitCancelled(let name): "waiting for \(name) was cancelled"
        case .lockHeld(let path, let holder, let waited): "\(path) is held by \(holder), waited \(waited)"
        }
    }
}

extension HostError.FileOperation {
    fileprivate var words: String {
        switch self {
        case .status: "look at"
        case .measure: "measure the free space of"
        case .open, .read, .list, .resolve, .create, .write, .remove: rawValue
        }
    }
}

/// How a command on the host ended, with the end of what it said.
package struct CommandFailure: Error, Sendable, Equatable {
    package enum End: Sendable, Equatable {
        case exited(Int)
        case signaled(Int)
    }

    package var arguments: [String]
    package var end: End
    /// The last lines of standard error.
    package var errorTail: String

    package init(arguments: [String], end: End, errorTail: String) {
        self.arguments = arguments
        self.end = end
        self.errorTail = errorTail
    }
}

extension CommandFailure: CustomStringConvertible {
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

/// A cause that is known by its text only.
package struct Complaint: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
