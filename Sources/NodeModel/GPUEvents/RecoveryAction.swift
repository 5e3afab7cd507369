/// What the driver itself says that a GPU needs, in the text of an Xid 154.
package enum RecoveryAction: String, Codable, Sendable, CaseIterable {
    case none
    case gpuReset = "gpu-reset"
    case reboot
    /// Programs must stop to use the connections between this GPU and others.
    case drainPeers = "drain-peers"
    /// Programs must leave the GPU, and then it needs a reset.
    case drainAndReset = "drain-and-reset"

    /// Reads the text of an Xid 154: `GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)`.
    ///
    /// The last parentheses contain the new action. Nil when this version of the agent does not know the action.
    package init?(xidText text: String) {
        guard let close = text.lastIndex(of: ")"), let open = text[..<close].lastIndex(of: "(") else { return nil }
        switch text[text.index(after: open)..<close].lowercased() {
        case "none": self = .none
        case "gpu reset required", "gpu reset": self = .gpuReset
        case "node reboot required", "node reboot": self = .reboot
        case "drain p2p": self = .drainPeers
        case "drain and reset": self = .drainAndReset
        default: return nil
        }
    }

    /// Reads the recovery action of NVML, as the agent names its values (`NVMLNames.recoveryActions`).
    ///
    /// Nil for an action that says nothing about the GPU itself, and for one that this version of the agent does not know.
    package init?(nvml name: String) {
        switch name {
        case "none": self = .none
        case "gpu-reset", "bus-reset": self = .gpuReset
        case "node-reboot", "system-reboot": self = .reboot
        case "drain-p2p": self = .drainPeers
        case "drain-and-reset": self = .drainAndReset
        default: return nil
        }
    }

    /// The action for people, as the driver writes it.
    package var text: String {
        switch self {
        case .none: "None"
        case .gpuReset: "GPU Reset Required"
        case .reboot: "Node Reboot Required"
        case .drainPeers: "Drain P2P"
        case .drainAndReset: "Drain and Reset"
        }
    }
}
