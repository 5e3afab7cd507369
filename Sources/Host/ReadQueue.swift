import Dispatch
import NodeModel
import Support

/// Runs reads that may hang, one at a time, on a separate thread.
///
/// Each has a deadline.
///
/// A read that hangs occupies this one thread. Later reads wait behind it until their own deadlines pass.
struct ReadQueue: Sendable {
    private let queue = DispatchQueue(label: "gpu-agent.host.reads")

    /// Returns what `work` reads, or an unreadable value (`hang`) when the deadline passes.
    ///
    /// - Parameters:
    /// - subject: What is read, for the message.
    /// - limit: How long to wait.
    /// - work: The read. It does not start after the deadline.
    func read<Value>(
        _ subject: String,
        within limit: Duration,
        _ work: @escaping @Sendable () -> Reading<Value>
    ) async -> Reading<Value> {
        let first = FirstAnswer<Reading<Value>>()
        queue.async {
            guard !first.isGiven else { return }
            first.give(work())
        }
        return await first.answer(
            within: limit,
            otherwise: .unreadable(ReadFailure(.hang, "\(subject): no answer within \(limit)")),
            whenCancelled: .unreadable(ReadFailure(.hang, "\(subject): not read, because the agent is shutting down"))
        )
    }
}
