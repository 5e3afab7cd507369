/// Whether the agent makes on the host what the pods of NVIDIA's GPU Operator wait for.
package enum HandoverUse: String, Codable, Sendable, CaseIterable {
    /// Only where something on the node reads it, and where nobody else makes it.
    case auto
    /// Also where nothing on the node shows that somebody reads it.
    case always
    /// Nothing on the host, and no label for the operator.
    case never
}
