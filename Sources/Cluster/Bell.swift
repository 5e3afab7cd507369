/// Wakes a loop; any number of rings during an iteration causes one more iteration.
final class Bell: Sendable {
    private let continuation: AsyncStream<Void>.Continuation
    let calls: AsyncStream<Void>

    init() {
        (calls, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func ring() { continuation.yield() }

    /// Sleeps for the duration, but at most 5 s and only until the task is canceled.
    func sleep(for duration: Duration) async { try? await Task.sleep(for: min(duration, .seconds(5))) }
}
