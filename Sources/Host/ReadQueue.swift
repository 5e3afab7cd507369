import Dispatch
import NodeModel
import Support

/// Reads that may hang, one after the other, on a thread of their own, each with a deadline.
///
/// One that hangs keeps that one thread: those after it wait behind it, and give up at their own deadlines.
struct ReadQueue: Sendable {
    private let queue = DispatchQueue(label: "gpu-agent.host.reads")

    /// Gives what `work` reads, or says that it hangs.
    ///
    /// - Parameters:
    /// - subject: What is read, for the failure.
    /// - limit: How long to wait.
    /// - work: The read; it is not begun after the deadline.
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
            whenCancelled: .unreadable(ReadFailure(.hang, "\(subject): not waited for, the agent was told to stop"))
        )
    }
}
