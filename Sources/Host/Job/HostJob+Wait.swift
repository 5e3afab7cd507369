import Glibc
import Support
import SystemPackage

extension HostJob {
    /// The state of a job at the end of the wait.
    package enum Outcome: Sendable, Equatable {
        /// It ended with this exit status.
        case finished(status: Int)
        /// It ended without a result: it was killed, the host went down, or the disk was full.
        case lost
        /// The host could not start the command. The log of the job says why.
        case notStarted
        /// There is no such job.
        case absent
    }

    /// Waits for the end of the job and passes on the lines of its log, from the first one.
    ///
    /// The agent empties a log that grows beyond `logLimit`, so that a job with endless output cannot fill the disk. It
    /// has passed on the lines before that.
    ///
    /// - Throws: `jobDeadline` when the job is still running at the deadline, and `waitCancelled` when the task is
    ///   canceled. The job continues.
    package func wait(
        deadline: Duration,
        onOutput: @Sendable (String) -> Void = { _ in }
    ) async throws(HostError) -> Outcome {
        let end = ContinuousClock.now + deadline
        var lines = LineSplitter()
        var offset: UInt64 = 0
        while true {
            // The state is read before the log, so that the last lines before the end are not missed.
            let state = try await state()
            let isRunning = if case .running = state { true } else { false }
            let size = try await offPool { () throws(HostError) in try root.status(log)?.size ?? 0 }
            while true {
                let place = offset
                let more = try await offPool { () throws(HostError) in try readLog(at: place) }
                offset += UInt64(more.count)
                lines.take(more).forEach(onOutput)
                if isRunning, offset > Self.logLimit {
                    // The last lines of a job that ended meanwhile must not be lost.
                    guard case .running = try await self.state() else { break }
                    try await offPool { () throws(HostError) in try emptyLog() }
                    offset = 0
                }
                // A job can write faster than this loop reads, and a process that an ended job left can still write.
                let goesOn = isRunning ? !Task.isCancelled && ContinuousClock.now < end : offset < size
                guard more.count == Self.readSize, goesOn else { break }
            }
            if isRunning {
                guard !Task.isCancelled else { throw .waitCancelled("job \(name)") }
                guard ContinuousClock.now < end else {
                    throw .jobDeadline(await offPool { whereItRuns() }, limit: deadline)
                }
                try? await Task.sleep(for: Self.pause)
                continue
            }
            if let last = lines.rest { onOutput(last) }
            switch state {
            case .finished(_, let status): return .finished(status: status)
            case .lost:
                // The script writes this file before it runs the command.
                let hasBegun = try await offPool { () throws(HostError) in try root.exists(file("pid")) }
                return hasBegun ? .lost : .notStarted
            case .absent, .running: return .absent
            }
        }
    }

    /// The largest size of a log, in bytes; the log of an install has less than a tenth of it.
    static let logLimit: UInt64 = 16 << 20
    private static let readSize = 64 * 1024
    /// The time between two looks at a job that runs.
    ///
    /// An install has several short jobs, and waits for half of this time after the end of each.
    private static let pause = Duration.milliseconds(20)

    private func readLog(at offset: UInt64) throws(HostError) -> [UInt8] {
        guard let file = try root.openFile(log) else { return [] }
        do throws(Errno) { return try file.read(at: offset, count: Self.readSize) } catch {
            throw .file(.read, log, cause: error)
        }
    }

    /// Removes the content of the log.
    ///
    /// The job appends to it, so its next line becomes the first.
    private func emptyLog() throws(HostError) {
        let file = try root.openOwn(log, O_WRONLY, mode: 0o600)
        do throws(Errno) { try retrying { ftruncate(file.descriptor.rawValue, 0) } } catch {
            throw .file(.write, log, cause: error)
        }
    }
}

/// Splits a stream of bytes into lines.
struct LineSplitter {
    private var pending: [UInt8] = []
    /// A line that is longer than this many bytes is passed on in parts.
    private let limit = 64 * 1024

    /// Takes more bytes and returns the lines that are complete now, without their line ends.
    mutating func take(_ bytes: [UInt8]) -> [String] {
        pending += bytes
        var lines = pending.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var last = lines.popLast() ?? []
        if last.count > limit {
            lines.append(last)
            last = []
        }
        pending = Array(last)
        return lines.map(Self.shown)
    }

    /// The bytes after the last line end, as text; nil when there are none.
    var rest: String? { pending.isEmpty ? nil : Self.shown(pending[...]) }

    /// What a terminal shows at the end of a line: a backspace takes back a character, and a carriage return all of them.
    ///
    /// NVIDIA's installer prints its progress in this way.
    private static func shown(_ line: ArraySlice<UInt8>) -> String {
        let (backspace, carriageReturn) = (UInt8(8), UInt8(13))
        guard line.contains(where: { $0 == backspace || $0 == carriageReturn }) else {
            return String(decoding: line, as: UTF8.self)
        }
        var shown: [UInt8] = []
        var isReturned = false
        for byte in line {
            switch byte {
            case backspace:
                // A character can have several bytes, all but the first of which begin with the bits 10.
                while let last = shown.popLast(), last & 0xc0 == 0x80 {}
            case carriageReturn: isReturned = true
            default:
                if isReturned { shown = [] }
                isReturned = false
                shown.append(byte)
            }
        }
        return String(decoding: shown, as: UTF8.self)
    }
}
