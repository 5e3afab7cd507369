/// The signal that starts the next inspection of the reconciler.
///
/// Several signals before the next inspection count as one.
package final class WakeUp: Sendable {
    private let continuation: AsyncStream<Void>.Continuation
    package let calls: AsyncStream<Void>

    package init() {
        (calls, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    package func ring() { continuation.yield() }
}
