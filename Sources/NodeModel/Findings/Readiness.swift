/// Whether containers can use the GPUs of a node.
///
/// This is independent of the driver that the agent would choose. A driver can work and still not be that driver.
package enum Readiness: String, Codable, Sendable, CaseIterable {
    /// A CUDA program runs on the node, and no check of the GPUs fails.
    case usable
    /// The driver is not loaded, or a check of the GPUs fails.
    case notUsable = "not-usable"
    /// The agent cannot tell.
    case unknown
}
