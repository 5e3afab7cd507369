import Support
import UnixSignals

/// Why a command ended before its work.
package struct Interruption: CausedError, Sendable, Equatable {
    /// What ended the command: the name of a signal such as `SIGTERM`, or the time limit.
    package var signal: String
    /// The exit code: for a signal, 128 and its number, as a shell reports it.
    package var exitCode: Int32

    package var description: String { "the command ended at \(signal)" }
    package var cause: (any Error)? { nil }

    /// The work took longer than it may; the exit code is that of a wait that is over.
    static let late = Interruption(signal: "the time limit", exitCode: 3)
    package static let terminated = Interruption(signal: "SIGTERM", exitCode: 143)
    package static let interrupted = Interruption(signal: "SIGINT", exitCode: 130)

    /// Waits for the work, or for SIGTERM or SIGINT.
    ///
    /// After a signal, it does not wait for the end of the work, which a library that hangs can delay. So the command can
    /// still print a whole document before the process ends.
    ///
    /// - Parameters:
    ///   - limit: How long the work may take; after that, the command ends with 3.
    ///   - work: What the command does. It is canceled after a signal.
    /// - Returns: What the work returned.
    /// - Throws: An `Interruption`, or what the work threw.
    package static func ending<Value: Sendable>(
        within limit: Duration,
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let first = FirstAnswer<Result<Value, any Error>>()
        // The handlers are there before the work begins.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let listener = Task {
            for await signal in signals {
                first.give(.failure(signal == .sigint ? Interruption.interrupted : .terminated))
                return
            }
        }
        let worker = Task {
            do { first.give(.success(try await work())) } catch { first.give(.failure(error)) }
        }
        defer {
            listener.cancel()
            worker.cancel()
        }
        return try await first.answer(within: limit, otherwise: .failure(late), whenCancelled: nil).get()
    }
}
