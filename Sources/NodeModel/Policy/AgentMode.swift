/// How much the daemon may change.
package enum AgentMode: String, Codable, Sendable, CaseIterable {
    /// It only inspects the node and answers on its own port.
    ///
    /// It writes nothing to the cluster and changes nothing on the host.
    case observe
    /// It publishes labels, conditions and events too. It holds no taint and installs nothing.
    case label
    /// It does everything: installs, publishes and holds the taint.
    case manage
}
