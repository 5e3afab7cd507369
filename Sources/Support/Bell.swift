/// Wakes a loop.
///
/// Any number of rings during an iteration causes one more iteration.
package final class Bell: Sendable {
    private let continuation: AsyncStream<Void>.Continuation
    package let calls: AsyncStream<Void>

    package init() {
        (calls, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    package func ring() { continuation.yield() }
}
