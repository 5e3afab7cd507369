import Dispatch

private let blockingQueue = DispatchQueue(label: "gpu-agent.host.blocking", attributes: .concurrent)

/// Runs work that may block in the kernel on a separate thread.
///
/// Swift's concurrency pool has only one thread for each core, so a blocked one would stop other tasks.
package func offPool<Value: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
        blockingQueue.async {
            let result: Result<Value, Failure>
            do throws(Failure) { result = .success(try work()) } catch { result = .failure(error) }
            continuation.resume(returning: result)
        }
    }
    return try result.get()
}
