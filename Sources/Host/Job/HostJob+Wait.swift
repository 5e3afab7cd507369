import Glibc
import SystemPackage

extension HostJob {
    /// How a job that was waited for is now.
    package enum Outcome: Sendable, Equatable {
        case finished(status: Int)
        case lost
        case absent
    }

    /// Waits for the end of the job and hands over the lines of its log, from the first one.
    ///
    /// Fails with `jobDeadline` when it still runs then; the job itself goes on.
    package func wait(
        deadline: Duration,
        onOutput: @Sendable (String) -> Void = { _ in }
    ) async throws(HostError) -> Outcome {
        let end = ContinuousClock.now + deadline
        var lines = LineSplitter()
        var offset: UInt64 = 0
        while true {
            // Asked before the log is read, so that nothing said before the end is missed.
            let state = try await state()
            while true {
                let place = offset
                let more = try await offPool { () throws(HostError) in try readLog(at: place) }
                if more.isEmpty { break }
                offset += UInt64(more.count)
                lines.take(more).forEach(onOutput)
            }
            if case .running = state {
                guard !Task.isCancelled else { throw .waitCancelled("job \(name)") }
                guard ContinuousClock.now < end else { throw .jobDeadline(name, limit: deadline) }
                try? await Task.sleep(for: .milliseconds(100))
                continue
            }
            if let last = lines.rest { onOutput(last) }
            return switch state {
            case .finished(_, let status): .finished(status: status)
            case .lost: .lost
            case .absent, .running: .absent
            }
        }
    }

    /// Ends a running job: asks its session to stop, kills it after the grace, and returns when it is gone.
    ///
    /// Its state is then `lost`. Fails with `jobDeadline` when it is not gone within five seconds of the kill: a process
    /// that waits in the kernel cannot be killed.
    package func stop(grace: Duration = .seconds(10)) async throws(HostError) {
        // Looked for once: no process gets a number that is still the group of another.
        var session: Int?
        for (signal, patience) in [("TERM", grace), ("KILL", .seconds(5))] {
            let end = ContinuousClock.now + patience
            var isAsked = false
            while ContinuousClock.now < end {
                guard case .running = try await state() else { return }
                if session == nil { session = try await offPool { () throws(HostError) in try livingSession() } }
                if let session, !isAsked {
                    isAsked = true
                    // The group can be gone by now; whether the job is, its lock says.
                    _ = try? await commands.run(
                        ["sh", "-c", "kill -s \(signal) -- -\(session)"],
                        deadline: .seconds(5)
                    )
                }
                try? await Task.sleep(for: .milliseconds(50))
            }
        }
        throw .jobDeadline(name, limit: grace)
    }

    private func readLog(at offset: UInt64) throws(HostError) -> [UInt8] {
        guard let file = try root.openFile(log) else { return [] }
        do throws(Errno) { return try file.read(at: offset, count: 64 * 1024) } catch {
            throw .file(.read, log, cause: error)
        }
    }

    /// The session's id, unless its first process is gone: the number could be another process's by now.
    private func livingSession() throws(HostError) -> Int? {
        guard let fields = try root.text(file("pid"))?.split(whereSeparator: \.isWhitespace), fields.count == 2,
            let pid = Int(fields[0]),
            let status = try root.text(HostPath.root.appending("proc/\(pid)/stat"))
        else { return nil }
        return ProcessStat.startTime(status).map(String.init) == String(fields[1]) ? pid : nil
    }
}

/// One line of `/proc/PID/stat`.
enum ProcessStat {
    /// The 22nd field: when the process started, in clock ticks since the boot.
    ///
    /// The second field, the name in parentheses, can hold spaces and parentheses itself.
    static func startTime(_ line: String) -> UInt64? {
        guard let name = line.lastIndex(of: ")") else { return nil }
        let fields = line[line.index(after: name)...].split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }
}

/// Cuts a stream of bytes into lines.
struct LineSplitter {
    private var pending: [UInt8] = []
    /// A line without an end is handed over in parts of this many bytes.
    private let limit = 64 * 1024

    /// The lines that are complete now, without their ends.
    mutating func take(_ bytes: [UInt8]) -> [String] {
        pending += bytes
        var lines = pending.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var last = lines.popLast() ?? []
        if last.count > limit {
            lines.append(last)
            last = []
        }
        pending = Array(last)
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }

    /// What came after the last end of a line; nil for nothing.
    var rest: String? { pending.isEmpty ? nil : String(decoding: pending, as: UTF8.self) }
}
