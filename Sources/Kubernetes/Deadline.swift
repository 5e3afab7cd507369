/// Does something, but not longer than the limit.
///
/// The HTTP client's own deadline ends with the answer's head; this one holds for the body too.
///
/// - Parameters:
/// - limit: How long the operation may take; it is cancelled then.
/// - subject: What is done, for the error.
/// - operation: What to do.
/// - Returns: What the operation gives.
/// - Throws: The operation's error, `timedOut`, or `cancelled` when the calling task is cancelled.
package func withDeadline<Value: Sendable>(
    _ limit: Duration,
    subject: String,
    _ operation: @escaping @Sendable () async throws(KubernetesError) -> Value
) async throws(KubernetesError) -> Value {
    let outcome = await withTaskGroup(of: Result<Value, KubernetesError>?.self) { group in
        group.addTask {
            do throws(KubernetesError) {
                return .success(try await operation())
            } catch {
                return .failure(error)
            }
        }
        group.addTask {
            try? await Task.sleep(for: limit)
            return nil
        }
        let first = await group.next() ?? nil
        group.cancelAll()
        return first
    }
    if let outcome { return try outcome.get() }
    throw Task.isCancelled ? .cancelled(subject: subject) : .timedOut(subject: subject, after: limit)
}
