import Host
import NodeModel
import Support

/// Finds in the logs of a job why it failed.
struct JobLog {
    /// The file in which the program marks errors with `ERROR:`; nil when it has none.
    var own: HostPath?
    /// The file with the output of the job.
    var output: HostPath
    var failure: StepFailure

    init(of job: Effect.Job, output: HostPath, failure: StepFailure) {
        own = job.log.flatMap { HostPath(absolute: $0) }
        self.output = output
        self.failure = failure
    }

    /// How much of the end of a log is searched, in bytes.
    private static let searched = 8 << 20

    /// Reads the logs of a job that failed.
    ///
    /// - Parameters:
    ///   - outcome: How the job ended.
    ///   - root: The root directory of the host.
    ///   - gap: What the host lacks although the job ended with status 0; nil when it lacks nothing.
    /// - Returns: The problem, with the cause that the logs tell.
    func problem(_ outcome: HostJob.Outcome, root: HostRoot, gap: String? = nil) -> Finding {
        let (ownLog, output) = (own.map { text($0, root) } ?? "", text(output, root))
        let build = Self.buildLog(namedIn: ownLog) ?? Self.buildLog(namedIn: output)
        let free = try? root.freeSpace(self.output.parent)
        return problem(
            outcome,
            gap: gap,
            isFull: free.map { $0.mebibytes == 0 } ?? false,
            ownLog: ownLog,
            output: output,
            buildLog: build.map { text($0, root) } ?? "",
            kernelCompiler: root.reading("/proc/version") { Compiler($0, isKernel: true) }.value
        )
    }

    /// Whether a log of the job says that a file system is full.
    func tellsOfFullDisk(root: HostRoot) -> Bool {
        [own, output].contains { path in path.map { FullDisk.line(in: text($0, root)) != nil } ?? false }
    }

    private func text(_ path: HostPath, _ root: HostRoot) -> String {
        ((try? root.ownTail(path, limit: Self.searched)) ?? nil) ?? ""
    }

    /// Returns a problem with the first error of a compiler and the last two lines that tell the cause, and with the
    /// log that has them.
    ///
    /// Lines that begin with `ERROR:` tell the cause, first those of the program's own log. Without such lines, the
    /// last lines of the output do, unless the program began to write its own log: then the output has nothing to add.
    func problem(
        _ outcome: HostJob.Outcome,
        gap: String? = nil,
        isFull: Bool = false,
        ownLog: String,
        output text: String,
        buildLog: String = "",
        kernelCompiler: Compiler? = nil
    ) -> Finding {
        let (ownErrors, errors) = (Self.errors(in: ownLog), Self.errors(in: text))
        let found: (path: HostPath, lines: [Substring])
        if let own, !ownErrors.isEmpty || (errors.isEmpty && !ownLog.isEmpty) {
            found = (own, ownErrors)
        } else {
            found = (output, errors.isEmpty ? text.split(whereSeparator: \.isNewline) : errors)
        }
        let logs = [ownLog, text, buildLog]
        let killed = logs.lazy.compactMap(Self.killedProgram).first
        let cause = logs.lazy.compactMap(Self.compilerError).first ?? killed
        let last = found.lines.suffix(2).map { $0.split(separator: " ").joined(separator: " ") }
        let telling = [cause].compactMap(\.self) + last.filter { $0 != cause }
        let log = "Read \(found.path) on the node."
        if gap == nil, let full = fullDisk(outcome, isFull: isFull, in: [text, ownLog, buildLog]) {
            return .fullDisk("\(description(of: outcome)): \(full)", "\(FullDisk.remedy) \(log)")
        }
        if case .finished(let status) = outcome, let exit = failure.exits?.first(where: { $0.status == status }),
            !errors.isEmpty
        {
            let observed = errors.suffix(1).map { $0.split(separator: " ").joined(separator: " ") }.joined()
            return Finding(exit.code, observed: observed, expected: exit.expected, remedy: Remedy(exit.remedy))
        }
        if let gap {
            return Finding(
                failure.code,
                observed: "\(description(of: outcome)), but \(gap)",
                expected: "the driver on the host",
                remedy: "\(log)"
            )
        }
        let advice: String? =
            if killed != nil {
                Self.moreMemory
            } else if cause.map(Self.isRejectedOption) ?? false {
                Self.otherCompiler(kernelCompiler)
            } else {
                nil
            }
        return Finding(
            failure.code,
            observed: telling.reduce(description(of: outcome)) { "\($0)\($0.hasSuffix(".") ? "" : ":") \($1)" },
            expected: "status 0",
            remedy: "\(advice.map { "\($0) " } ?? "")\(log)"
        )
    }

    /// The words about a full file system; nil when none is known to be full.
    ///
    /// A job that cannot write its result looks as if it had been killed.
    private func fullDisk(_ outcome: HostJob.Outcome, isFull: Bool, in logs: [String]) -> String? {
        logs.lazy.compactMap(FullDisk.line).first
            ?? (isFull && outcome.hasNoResult ? "\(output.parent) has no free space" : nil)
    }

    /// The line about a program of the build that got SIGKILL; nil when there is none.
    ///
    /// The first two are the words of gcc, and the last one is that of make.
    private static func killedProgram(in log: String) -> String? {
        let line = log.split(whereSeparator: \.isNewline).first { line in
            line.contains("Killed signal terminated program") || line.contains("terminated with signal 9")
                || (line.hasPrefix("make") && line.hasSuffix(" Killed"))
        }
        return line.map { String($0.split(separator: " ").joined(separator: " ").prefix(300)) }
    }

    private static let moreMemory =
        "The kernel killed a program of the build, usually because no memory was left ('journalctl -k' tells). On a host "
        + "with systemd, the build may use half of the memory of the node. Use a node with more memory, or end programs "
        + "that use much of it."

    /// Whether a compiler does not know an option that the kernel's build passes to it.
    private static func isRejectedOption(_ line: String) -> Bool {
        ["unrecognized command-line option", "unrecognized command line option", "unknown argument"]
            .contains { line.contains($0) }
    }

    private static func otherCompiler(_ kernel: Compiler?) -> String {
        let name = kernel.flatMap { kernel in kernel.major.map { "\(kernel.kind.rawValue)-\($0), the" } } ?? "the"
        return
            "The build uses the compiler options of the kernel, and the compiler of the host does not support all of "
            + "them. Install \(name) compiler that built the kernel, and make it the default compiler (cc) of the host."
    }

    /// The log of a build by DKMS, of which DKMS prints only the path; nil when the text names none.
    static func buildLog(namedIn log: String) -> HostPath? {
        guard let start = log.firstRange(of: "Consult /var/lib/dkms/") else { return nil }
        let words = log[start.lowerBound...].split(maxSplits: 2, whereSeparator: \.isWhitespace)
        guard words.count > 1, words[1].hasSuffix("/make.log"), !words[1].contains("/../") else { return nil }
        return HostPath(absolute: String(words[1]))
    }

    /// The first error of a compiler in the log of a build; nil when there is none.
    ///
    /// It says why a build failed. The program that started the build says only that it failed.
    static func compilerError(in log: String) -> String? {
        let marks = [": error: ", ": fatal error: ", ": unrecognized command-line option", ": undefined reference to "]
        let lines = log.split(whereSeparator: \.isNewline)
        let found =
            lines.first { line in !line.hasPrefix("ERROR:") && marks.contains { line.contains($0) } }
            ?? lines.first { line in
                // The words of a shell, and those of make.
                [": not found", ": command not found"].contains { line.hasSuffix($0) }
                    || (line.hasPrefix("make") && line.hasSuffix(": No such file or directory"))
            }
        return found.map { line in String(line.split(separator: " ").joined(separator: " ").prefix(300)) }
    }

    private static func errors(in log: String) -> [Substring] {
        log.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("ERROR:") }.map { $0.dropFirst("ERROR:".count) }
    }

    private func description(of outcome: HostJob.Outcome) -> String {
        switch outcome {
        case .finished(let status): "\(failure.subject) exited with status \(status)"
        case .lost: "\(failure.subject) was killed"
        case .notStarted: "the host could not start \(failure.subject)"
        case .absent: "\(failure.subject) was never started"
        }
    }
}

extension HostJob.Outcome {
    fileprivate var hasNoResult: Bool {
        switch self {
        case .lost, .notStarted: true
        case .finished, .absent: false
        }
    }
}
