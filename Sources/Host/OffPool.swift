import Dispatch

private let blockingQueue = DispatchQueue(label: "gpu-agent.host.blocking", attributes: .concurrent)

/// Runs work that may block in the kernel on a thread of its own, so that it never holds one of Swift's few.
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
