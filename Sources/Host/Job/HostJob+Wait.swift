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
        /// There is no such job.
        case absent
    }

    /// Waits for the end of the job and passes on the lines of its log, from the first one.
    ///
    /// - Throws: `jobDeadline` when the job is still running at the deadline. The job continues.
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

    private func readLog(at offset: UInt64) throws(HostError) -> [UInt8] {
        guard let file = try root.openFile(log) else { return [] }
        do throws(Errno) { return try file.read(at: offset, count: 64 * 1024) } catch {
            throw .file(.read, log, cause: error)
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
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes after the last line end, as text; nil when there are none.
    var rest: String? { pending.isEmpty ? nil : String(decoding: pending, as: UTF8.self) }
}
