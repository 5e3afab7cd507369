import Glibc
import Support
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

    private func readLog(at offset: UInt64) throws(HostError) -> [UInt8] {
        guard let file = try root.openFile(log) else { return [] }
        do throws(Errno) { return try file.read(at: offset, count: 64 * 1024) } catch {
            throw .file(.read, log, cause: error)
        }
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
