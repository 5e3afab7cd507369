import Testing

/// Waits until a condition is true, and fails after a minute.
package func eventually(
    _ what: String,
    isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while try await !condition() {
        try #require(ContinuousClock.now < end, "not within a minute: \(what)")
        try await Task.sleep(for: .milliseconds(20))
    }
}
