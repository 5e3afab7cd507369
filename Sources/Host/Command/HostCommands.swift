import Glibc
import Subprocess
import Support
import SystemPackage

/// Runs commands in the host's namespaces, through `nsenter`.
///
/// Where no command may be run on the host (`--host-pid none`) there is no value of this type at all.
package struct HostCommands: Sendable {
    /// The process whose namespaces are entered, by its id on our side; 1 in a pod with `hostPID`.
    package let target: Int
    /// What every command gets besides the fixed few: the proxy variables.
    package let environment: [String: String]
    /// What is sent to the process group of a command that must end.
    private let killing: [TeardownStep]
    /// How long a killed command is waited for.
    ///
    /// One that waits in the kernel, for a device or a file server that does not answer, outlives every signal.
    private static let grace = Duration.seconds(2)

    package init(target: Int, environment: [String: String] = [:]) {
        let kill = TeardownStep.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .milliseconds(200))
        self.init(target: target, environment: environment, killing: [kill])
    }

    init(target: Int, environment: [String: String] = [:], killing: [TeardownStep]) {
        self.target = target
        self.environment = environment
        self.killing = killing
    }

    /// Runs a command to its end.
    ///
    /// Only the last 64 KiB of each output are kept. When the deadline passes, or the task is cancelled, the command is
    /// killed with its whole process group; one that the kill does not end within two seconds is left to itself, and
    /// reaped whenever it ends. An exit status that is not 0 is thrown.
    package func run(
        _ arguments: [String],
        deadline: Duration,
        environment extra: [String: String] = [:]
    ) async throws(HostError) -> CommandOutput {
        try await run(arguments, input: .none, deadline: deadline, environment: extra)
    }

    /// Runs a command that inherits a descriptor of ours as its standard input.
    func run(
        _ arguments: [String],
        standardInput: FileDescriptor,
        deadline: Duration,
        environment extra: [String: String]
    ) async throws(HostError) -> CommandOutput {
        // A copy of its own: a run that is left to itself may use it after the caller closed the descriptor.
        let copy: FileDescriptor
        do throws(Errno) {
            copy = FileDescriptor(rawValue: try retrying { fcntl(standardInput.rawValue, F_DUPFD_CLOEXEC, 0) })
        } catch { throw .commandNotStarted(arguments, cause: error) }
        let input = FileDescriptorInput.fileDescriptor(copy, closeAfterSpawningProcess: true)
        return try await run(arguments, input: input, deadline: deadline, environment: extra)
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
        // No child of this task: those are waited for, however long they take.
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
        case .failed(let error): throw .commandNotStarted(arguments, cause: error)
        case .deadline: throw .commandDeadline(arguments, limit: deadline, outputTail: errors.text)
        case .cancelled: throw .commandCancelled(arguments)
        }
    }

    /// Has the process group of a run killed, and waits for its end, but not for ever.
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
        // nsenter speaks for itself only when it could not enter the namespaces or find the command there.
        if errors.text.hasPrefix("nsenter: ") {
            throw .commandNotStarted(arguments, cause: Complaint(errors.text.trimmed))
        }
        throw .commandFailed(CommandFailure(arguments: arguments, end: end, errorTail: errors.text))
    }
}

/// What a command said: the last 64 KiB of each.
package struct CommandOutput: Sendable, Equatable {
    package var output: String
    package var errors: String
}
