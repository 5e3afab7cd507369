import Glibc
import Subprocess
import Support
import SystemPackage

/// Runs commands in the host's namespaces, through `nsenter`.
///
/// With `--host-pid none`, where no command may run on the host, no value of this type exists.
package struct HostCommands: Sendable {
    /// The process whose namespaces are entered, by its ID in the agent's PID namespace; 1 in a pod with `hostPID`.
    package let target: Int
    /// Variables that every command gets in addition to `PATH` and `LANG`: the proxy settings, in upper and in lower case.
    ///
    /// apt and libcurl (dnf, zypper) read `http_proxy` only in lower case, and other programs read only the other form.
    package let environment: [String: String]
    /// The signals that end the process group of a command.
    private let killing: [TeardownStep]
    /// How long to wait for a killed command to end.
    ///
    /// A process in an uninterruptible system call, for example on a device that does not answer, survives every
    /// signal.
    private static let grace = Duration.seconds(2)

    package init(target: Int, environment: [String: String] = [:]) {
        let kill = TeardownStep.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .milliseconds(200))
        self.init(target: target, environment: environment, killing: [kill])
    }

    init(target: Int, environment: [String: String] = [:], killing: [TeardownStep]) {
        self.target = target
        let lower = environment.map { ($0.key.lowercased(), $0.value) }
        let upper = environment.map { ($0.key.uppercased(), $0.value) }
        // A spelling that the environment has keeps its own value.
        self.environment = Dictionary(lower + upper) { first, _ in first }.merging(environment) { $1 }
        self.killing = killing
    }

    /// Runs a command to its end.
    ///
    /// Only the last 64 KiB of standard output and of standard error are kept. When the deadline passes or the task is
    /// canceled, the command is killed with its whole process group. A command that survives this for two seconds is
    /// abandoned, and reaped when it ends.
    ///
    /// - Throws: `commandNotStarted`, `commandFailed` for an exit status other than 0, `commandDeadline` or
    ///   `commandCancelled`.
    package func run(
        _ arguments: [String],
        deadline: Duration,
        environment extra: [String: String] = [:]
    ) async throws(HostError) -> CommandOutput {
        try requireDescriptors(for: arguments)
        return try await run(arguments, input: .none, deadline: deadline, environment: extra)
    }

    /// Runs a command with an open descriptor of the agent as its standard input.
    func run(
        _ arguments: [String],
        standardInput: FileDescriptor,
        deadline: Duration,
        environment extra: [String: String]
    ) async throws(HostError) -> CommandOutput {
        try requireDescriptors(for: arguments)
        // The run owns a copy: a command that was abandoned may use it after the caller closed the descriptor.
        let copy: FileDescriptor
        do throws(Errno) {
            copy = FileDescriptor(rawValue: try retrying { fcntl(standardInput.rawValue, F_DUPFD_CLOEXEC, 0) })
        } catch { throw .commandNotStarted(arguments, cause: error) }
        let input = FileDescriptorInput.fileDescriptor(copy, closeAfterSpawningProcess: true)
        return try await run(arguments, input: input, deadline: deadline, environment: extra)
    }

    private func requireDescriptors(for arguments: [String]) throws(HostError) {
        do throws(Errno) { try SpareDescriptors.check() } catch { throw .commandNotStarted(arguments, cause: error) }
    }

    private func run(
        _ arguments: [String],
        input: some InputProtocol,
        deadline: Duration,
        environment extra: [String: String]
    ) async throws(HostError) -> CommandOutput {
        let configuration = configuration(for: arguments, extra)
        let (output, errors) = (OutputTail(), OutputTail())
        let first = FirstAnswer<Ending>()
        // Not a child task: Swift waits for child tasks, however long they take.
        let work = Task {
            do {
                let result = try await Subprocess.run(
                    configuration,
                    input: input,
                    output: .sequence,
                    error: .sequence
                ) { execution in
                    async let said: Void = output.collect(execution.standardOutput)
                    async let complained: Void = errors.collect(execution.standardError)
                    _ = try await (said, complained)
                }
                first.give(.ended(result.terminationStatus))
            } catch { first.give(.failed(error)) }
        }
        let ending = await first.answer(within: deadline, otherwise: .deadline, whenCancelled: .cancelled)
        switch ending {
        case .deadline, .cancelled: await kill(work)
        case .ended, .failed: break
        }
        switch ending {
        case .ended(.signaled) where Task.isCancelled, .failed where Task.isCancelled:
            throw .commandCancelled(arguments)
        case .ended(let status): return try outcome(of: arguments, status, output, errors)
        case .failed(let error): throw .commandNotStarted(arguments, cause: Self.plainCause(error))
        case .deadline: throw .commandDeadline(arguments, limit: deadline, outputTail: errors.text)
        case .cancelled: throw .commandCancelled(arguments)
        }
    }

    /// The reason why no process was started, without the names of Swift types in Subprocess's own texts.
    private static func plainCause(_ error: any Error) -> any Error {
        guard let error = error as? SubprocessError else { return error }
        if error.code == .executableNotFound { return MessageError("the program nsenter is not installed") }
        return error.underlyingError ?? MessageError("the process could not be started")
    }

    /// Kills the process group of a run and waits at most `grace` for its end.
    private func kill(_ work: Task<Void, Never>) async {
        let gone = FirstAnswer<Void>()
        Task {
            await work.value
            gone.give(())
        }
        work.cancel()
        await gone.answer(within: Self.grace, otherwise: (), whenCancelled: nil)
    }

    private enum Ending: Sendable {
        case ended(TerminationStatus)
        case failed(any Error)
        case deadline
        case cancelled
    }

    private func configuration(for arguments: [String], _ extra: [String: String]) -> Configuration {
        let namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid"]
        var platform = PlatformOptions()
        platform.processGroupID = 0
        platform.teardownSequence = killing
        return Configuration(
            executable: .name("nsenter"),
            arguments: Arguments(["--target", "\(target)"] + namespaces + ["--"] + arguments),
            environment: .custom(variables(extra)),
            platformOptions: platform
        )
    }

    private func variables(_ extra: [String: String]) -> [Environment.Key: String] {
        let fixed = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"]
        let all = fixed.merging(environment) { $1 }.merging(extra) { $1 }
        return Dictionary(uniqueKeysWithValues: all.map { (Environment.Key(stringLiteral: $0.key), $0.value) })
    }

    private func outcome(
        of arguments: [String],
        _ status: TerminationStatus,
        _ output: OutputTail,
        _ errors: OutputTail
    ) throws(HostError) -> CommandOutput {
        let end: CommandFailure.End
        switch status {
        case .exited(0): return CommandOutput(output: output.text, errors: errors.text)
        case .exited(let code): end = .exited(Int(code))
        case .signaled(let signal): end = .signaled(Int(signal))
        }
        // nsenter prints a message of its own only when it cannot enter the namespaces or find the command there.
        if errors.text.hasPrefix("nsenter: ") {
            throw .commandNotStarted(arguments, cause: MessageError(errors.text.trimmed))
        }
        throw .commandFailed(CommandFailure(arguments: arguments, end: end, errorTail: errors.text))
    }
}

/// What a command printed on standard output and on standard error: the last 64 KiB of each.
package struct CommandOutput: Sendable, Equatable {
    package var output: String
    package var errors: String
}
