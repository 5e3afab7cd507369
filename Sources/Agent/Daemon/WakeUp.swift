/// The bell of the daemon's loop: however often it is rung, the loop looks once more.
package final class WakeUp: Sendable {
    private let continuation: AsyncStream<Void>.Continuation
    package let calls: AsyncStream<Void>

    package init() {
        (calls, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    package func ring() { continuation.yield() }
}
