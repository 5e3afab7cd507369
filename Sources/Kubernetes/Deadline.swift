/// Runs an operation with a time limit.
///
/// The deadline of the HTTP client applies only until the head of the response. This limit also covers the body.
///
/// - Parameters:
///   - limit: How long the operation may take. After that it is canceled.
///   - subject: The name of the operation, for the error.
///   - operation: The operation.
/// - Returns: The result of the operation.
/// - Throws: The operation's error, `timedOut`, or `cancelled` when the calling task is canceled.
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
