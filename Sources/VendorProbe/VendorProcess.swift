import CLinux
import Dispatch
import Glibc
import Support
import SystemPackage

/// A running child process and the channels to it.
///
/// The methods block until a deadline. The owner must call `end`.
final class VendorProcess {
    /// The result of waiting for the next line.
    enum Line {
        case line([UInt8])
        /// The child process ended or closed its output; `unfinished` is the start of an incomplete line.
        case ended(unfinished: [UInt8])
        case tooLong
        case timedOut
        case cancelled
    }

    /// How the process ended.
    enum Ending: Equatable {
        case exited(Int32)
        case signalled(Int32)
        /// The agent killed it.
        case killed
        /// The agent killed it, but it is still in a system call that cannot be interrupted.
        case abandoned
    }

    private struct Ready {
        var channel = false
        var exited = false
        var cancelled = false
    }

    let pid: pid_t
    private let process: FileDescriptor
    private var channel: FileDescriptor?
    private var errors: FileDescriptor?
    private let cancellation: Cancellation
    private let abandoned: AbandonedChildren
    private var lines = VendorLines()
    private var errorTail: [UInt8] = []
    private var ending: Ending?

    /// Starts `program` with only the given environment, a list of `NAME=value`.
    init(
        program: String,
        arguments: [String],
        environment: [String],
        cancellation: Cancellation,
        abandoned: AbandonedChildren = AbandonedChildren()
    ) throws(SpawnError) {
        let channel = try VendorChannel()
        let errors: VendorChannel
        do throws(SpawnError) {
            errors = try VendorChannel()
        } catch {
            channel.close()
            throw error
        }
        var pid: pid_t = 0
        var process: Int32 = -1
        let code = withCStrings([program] + arguments) { arguments in
            withCStrings(environment) { environment in
                let far = [channel.far.rawValue, channel.far.rawValue, errors.far.rawValue]
                return gpa_spawn(program, arguments, environment, far, &pid, &process)
            }
        }
        guard code == 0 else {
            channel.close()
            errors.close()
            throw .start(program: program, cause: Errno(rawValue: code))
        }
        try? channel.far.close()
        try? errors.far.close()
        self.pid = pid
        self.process = FileDescriptor(rawValue: process)
        self.channel = channel.near
        self.errors = errors.near
        self.cancellation = cancellation
        self.abandoned = abandoned
    }

    /// The last line that the child process wrote to standard error.
    var lastError: String? {
        errorTail.split(separator: UInt8(ascii: "\n")).last.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Sends a line without reporting errors; `line(before:)` reports that the child process has ended.
    func send(_ line: [UInt8]) {
        if let channel { sendQuietly(line, to: channel) }
    }

    /// Waits for the next line from the child process.
    func line(before deadline: ContinuousClock.Instant) -> Line {
        while true {
            if let line = lines.next() { return .line(line) }
            if lines.restCount > vendorAnswerLimit { return .tooLong }
            guard let channel, let ready = wait(until: deadline, cancellation: cancellation) else { return .timedOut }
            if ready.cancelled { return .cancelled }
            if ready.channel {
                guard let bytes = receive(from: channel) else { return .ended(unfinished: lines.rest) }
                bytes.withUnsafeBytes { lines.append($0) }
            } else if ready.exited {
                return .ended(unfinished: lines.rest)
            }
        }
    }

    /// Closes the channel without waiting, as the death of the agent does.
    func closeChannel() { close(&channel) }

    /// Ends the process with its whole group and reads its exit status, in at most twice `patience`.
    ///
    /// A library can start helper processes. They are in the group of the child process and end with it, also after an
    /// answer and after a crash.
    ///
    /// - Parameters:
    ///   - kill: Whether to kill the process at once. Otherwise its input ends, and it has `patience` to exit.
    ///   - patience: How long to wait for the exit, and again after a kill.
    /// - Returns: How it ended. Further calls return the result of the first.
    @discardableResult
    func end(kill: Bool, patience: Duration) -> Ending {
        if let ending { return ending }
        closeChannel()
        var result: Ending?
        if !kill, waitForExit(patience) { result = reap() }
        if result == nil {
            Glibc.kill(-pid, SIGKILL)
            if waitForExit(patience) {
                _ = reap()
                result = .killed
            } else {
                abandon()
            }
        }
        close(&errors)
        let ending = result ?? .abandoned
        if ending != .abandoned { try? process.close() }
        self.ending = ending
        return ending
    }

    // MARK: - Waiting

    /// Waits for output, the exit or the cancellation; nil when the deadline passes.
    ///
    /// It also reads what the child process writes to standard error.
    private func wait(until deadline: ContinuousClock.Instant, cancellation: Cancellation?) -> Ready? {
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            // poll ignores an entry with a negative descriptor.
            var entries = [channel, errors, process, cancellation?.descriptor].map {
                pollfd(fd: $0?.rawValue ?? -1, events: Int16(POLLIN), revents: 0)
            }
            let count = poll(&entries, nfds_t(entries.count), milliseconds(left))
            if count > 0 {
                if entries[1].revents != 0 { readErrors() }
                let ready = Ready(
                    channel: entries[0].revents != 0,
                    exited: entries[2].revents != 0,
                    cancelled: entries[3].revents != 0
                )
                if ready.channel || ready.exited || ready.cancelled { return ready }
            }
            if left <= .zero { return nil }
        }
    }

    private func waitForExit(_ patience: Duration) -> Bool {
        wait(until: .now + patience, cancellation: nil)?.exited == true
    }

    /// Receives up to 64 KiB without waiting; nil at the end of the stream.
    private func receive(from socket: FileDescriptor) -> [UInt8]? {
        let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            count = max(0, recv(socket.rawValue, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)))
        }
        return bytes.isEmpty ? nil : bytes
    }

    private func readErrors() {
        guard let errors else { return }
        guard let bytes = receive(from: errors) else { return close(&self.errors) }
        errorTail = (errorTail + bytes).suffix(1024)
    }

    // MARK: - Ending

    private func reap() -> Ending {
        // Until its leader is reaped, the group keeps its number.
        Glibc.kill(-pid, SIGKILL)
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return .killed }
        let signal = status & 0x7f
        return signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal)
    }

    /// Stops waiting for the process, and reaps it when it ends.
    private func abandon() {
        let (pid, process, abandoned) = (pid, process, abandoned)
        abandoned.add(pid)
        let source = DispatchSource.makeReadSource(fileDescriptor: process.rawValue, queue: .global())
        source.setEventHandler {
            Glibc.kill(-pid, SIGKILL)
            waitpid(pid, nil, WNOHANG)
            abandoned.remove(pid)
            // The handler retains the source until this call.
            source.cancel()
        }
        source.setCancelHandler { try? process.close() }
        source.activate()
    }

    private func close(_ descriptor: inout FileDescriptor?) {
        try? descriptor?.close()
        descriptor = nil
    }
}

private func milliseconds(_ duration: Duration) -> Int32 {
    Int32(min(max(0, (duration / .milliseconds(1)).rounded(.up)), 3_600_000))
}

private func withCStrings<Result>(
    _ texts: [String],
    _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = texts.map { strdup($0) } + [nil]
    defer { copies.forEach { free($0) } }
    return body(copies)
}
