/// What the labels of the Node say about its MIG layout.
///
/// The labels are those of NVIDIA's MIG manager, which may run on the node too.
package struct MIGRequest: Sendable, Equatable {
    /// The label that names the layout.
    package static let layoutKey = "nvidia.com/mig.config"
    /// The label with the state of the layout.
    package static let stateKey = "nvidia.com/mig.config.state"
    /// The label by which the GPU Operator runs its MIG manager on the node.
    package static let managerKey = "nvidia.com/gpu.deploy.mig-manager"

    /// The name of the layout; nil without the label.
    package var layout: String?
    /// The field managers, except this agent, that own the label with the state.
    package var stateOwners: [String]
    /// The value of `managerKey`; nil without the label.
    package var managerLabel: String?

    package init(layout: String?, stateOwners: [String] = [], managerLabel: String? = nil) {
        (self.layout, self.stateOwners, self.managerLabel) = (layout, stateOwners, managerLabel)
    }

    package enum Decision: Sendable, Equatable {
        /// No label names a layout.
        case nothing
        /// NVIDIA's MIG manager makes the layout; the reason is a clause.
        case leave(String)
        /// The agent makes the layout with this name.
        case make(String)
    }

    /// Who makes the layout.
    package var decision: Decision {
        guard let layout, !layout.isEmpty else { return .nothing }
        if !stateOwners.isEmpty {
            return .leave("\(stateOwners.joined(separator: ", ")) owns the label \(Self.stateKey)")
        }
        if let managerLabel, managerLabel != "false" {
            return .leave("the label \(Self.managerKey) is \(managerLabel)")
        }
        return .make(layout)
    }
}

/// The values of the label with the state that the agent writes.
package enum MIGConfigState: String, Sendable, Equatable {
    /// The agent makes the layout, or a GPU needs a reset or a reboot first.
    case pending
    /// A reading showed the layout.
    case success
    case failed
}
