import FoundationEssentials
import NodeModel
import Support

extension VendorProber {
    /// How long the child process may be silent while it waits; it writes a line at least every five seconds.
    private static let silence = Duration.seconds(30)
    /// How long the child process may take to end after it was killed.
    private static let ending = Duration.seconds(1)

    /// Waits for the events of NVML in a child process, until the task is canceled or the child process ends.
    ///
    /// While it waits, the child process has the device nodes of all GPUs open. It has ended when this returns, unless it
    /// hangs in the driver and cannot be killed.
    ///
    /// - Parameter take: Gets each line, on another thread.
    /// - Returns: Why it no longer waits.
    package func waitForEvents(_ take: @escaping @Sendable (NVMLEventLine) -> Void) async -> NVMLEventEnd {
        guard let path = libraries.nvml else { return .unsupported("the host has no NVML") }
        let answer = await exchanging { exchange in
            var exchange = exchange
            exchange.arguments += ["--nvml", path, "--events"]
            return exchange.waitForEvents(silence: Self.silence, ending: Self.ending, take)
        }
        switch answer {
        case .success(let end): return end
        case .failure(let failure): return .failed(failure)
        }
    }
}

extension VendorExchange {
    fileprivate func waitForEvents(
        silence: Duration,
        ending: Duration,
        _ take: (NVMLEventLine) -> Void
    ) -> NVMLEventEnd {
        let subject = "the events of NVML"
        // The agent works without events. So they must not use up the children that may hang.
        guard abandoned.count == 0 || abandoned.count(after: .seconds(2)) == 0 else {
            let detail = "a child process hangs in the driver and cannot be killed"
            return .failed(ReadFailure(.hang, "\(subject): not awaited, because \(detail)"))
        }
        let child: VendorProcess
        do throws(SpawnError) { child = try process() } catch {
            return .failed(ReadFailure(.command, errorChain(error)))
        }
        defer { child.end(kill: true, patience: ending) }
        var notes = VendorNotes()
        // The first process that opens a GPU waits for its initialization.
        var patience = deadlines.nvml
        while true {
            switch answer(of: child, before: .now + patience, subject, &notes) {
            case .line(let bytes):
                guard let line = try? JSONDecoder().decode(NVMLEventLine.self, from: Data(bytes)) else {
                    let text = String(decoding: bytes.prefix(80), as: UTF8.self)
                    return .failed(ReadFailure(.malformed, "a line about \(subject) is not as expected: \(text)"))
                }
                take(line)
                if let why = line.unsupported { return .unsupported(why) }
                if let failure = line.failure { return .failed(failure) }
                if line.sources != nil { patience = silence }
            case .tooLong: return .failed(ReadFailure(.malformed, "a line about \(subject) is too long"))
            case .timedOut:
                let state = ProcessState(of: child.pid).map { " (\($0))" } ?? ""
                let call = notes.call.map { "\($0) did not return" } ?? "no answer"
                return .failed(ReadFailure(.hang, "\(subject): \(call)\(state)"))
            case .cancelled: return .cancelled
            case .ended(let unfinished): return .failed(ended(child, unfinished, subject))
            }
        }
    }
}
