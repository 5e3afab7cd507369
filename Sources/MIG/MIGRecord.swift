package import NodeModel
package import Support

/// The layout that `mig apply` was last asked for on this host.
///
/// The driver keeps no GPU instance over a reboot, so the layout has to be made again.
package struct MIGRecord: Codable, Sendable, Equatable {
    /// What a GPU should have.
    package struct GPU: Codable, Sendable, Equatable {
        package var pciAddress: PCIAddress
        package var uuid: String
        package var target: MIGTarget
    }

    package enum State: String, Codable, Sendable {
        /// The agent began to change GPUs, and did not end.
        case changing
        /// A GPU needs a reset or a reboot first.
        case resetRequired = "reset-required"
        /// The GPUs have the layout, as a new reading showed.
        case success
        /// A step failed, or the GPUs do not have the layout.
        case failed
    }

    package var apiVersion: String
    package var layout: String
    package var state: State
    package var gpus: [GPU]
    /// The boot in which the record was written; nil when it was not known.
    package var bootID: String?
    package var at: Timestamp

    package init(_ plan: MIGNodePlan, _ state: State, bootID: String?, at: Timestamp) {
        apiVersion = NodeFacts.currentAPIVersion
        layout = plan.layout
        self.state = state
        gpus = plan.gpus.map { GPU(pciAddress: $0.gpu.pciAddress, uuid: $0.gpu.uuid, target: $0.target) }
        self.bootID = bootID
        self.at = at
    }

    /// The layout as a fact of the node.
    package var wanted: WantedMIGLayout {
        WantedMIGLayout(
            layout: layout,
            gpus: gpus.map {
                WantedMIGLayout.GPU(uuid: $0.uuid, isEnabled: $0.target.isEnabled, devices: $0.target.names)
            },
            isRestorable: state != .failed,
            bootID: bootID,
            at: at
        )
    }

    /// The plan that makes the layout again.
    ///
    /// A GPU that was replaced gets no layout: the record knows GPUs by their UUIDs.
    package func plan(_ inventory: MIGInventory) -> MIGNodePlan {
        var targets: [Int: MIGTarget] = [:]
        var problems: [String] = []
        for wanted in gpus {
            if let gpu = inventory.gpus.first(where: { $0.uuid == wanted.uuid }) {
                targets[gpu.index] = wanted.target
            } else {
                problems.append("the GPU \(wanted.uuid), which was at \(wanted.pciAddress), is not there")
            }
        }
        return MIGNodePlan(layout, targets, problems, inventory)
    }
}
