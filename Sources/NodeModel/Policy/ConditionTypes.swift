/// The types of the node conditions that the agent publishes.
package struct ConditionTypes: Codable, Sendable, Equatable {
    /// Whether pods can use the GPUs.
    package var ready: String
    /// Whether the GPUs are free of faults.
    package var healthy: String

    package init(ready: String = "GPUReady", healthy: String = "GPUHealthy") {
        self.ready = ready
        self.healthy = healthy
    }

    package var all: [String] { [ready, healthy] }
}
