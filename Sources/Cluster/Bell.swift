/// Wakes one loop: however often it is rung, the loop goes round once more.
final class Bell: Sendable {
    private let continuation: AsyncStream<Void>.Continuation
    let calls: AsyncStream<Void>

    init() {
        (calls, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func ring() { continuation.yield() }

    /// Sleeps, but not longer than until the task is cancelled.
    func sleep(for duration: Duration) async { try? await Task.sleep(for: min(duration, .seconds(5))) }
}
