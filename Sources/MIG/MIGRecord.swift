package import NodeModel
package import Support

/// The layouts that `mig apply` was last asked for on this host, one for each GPU.
///
/// The driver keeps no GPU instance when it is unloaded, so the layouts have to be made again.
package struct MIGRecord: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable {
        /// The agent began to change the GPU, and did not end.
        case changing
        /// The GPU needs a reset or a reboot first.
        case resetRequired = "reset-required"
        /// The GPU has the layout, as a new reading showed.
        case success
        /// A step failed, or the GPU does not have the layout.
        case failed
    }

    /// When a state was recorded.
    package struct Moment: Sendable, Equatable {
        /// The boot; nil when it was not known.
        package var bootID: String?
        /// The load of the kernel module (`DriverFacts.moduleLoad`); nil when it was not known.
        package var moduleLoad: String?
        package var at: Timestamp

        package init(bootID: String?, moduleLoad: String?, at: Timestamp) {
            (self.bootID, self.moduleLoad, self.at) = (bootID, moduleLoad, at)
        }
    }

    /// What a GPU should have.
    package struct GPU: Codable, Sendable, Equatable {
        package var pciAddress: PCIAddress
        package var uuid: String
        /// The name of the layout.
        package var layout: String
        package var target: MIGTarget
        package var state: State
        package var bootID: String?
        package var moduleLoad: String?
        package var at: Timestamp

        package init(_ gpu: MIGGPU, layout: String, target: MIGTarget, _ state: State, _ moment: Moment) {
            (pciAddress, uuid, self.layout, self.target) = (gpu.pciAddress, gpu.uuid, layout, target)
            (self.state, bootID, moduleLoad, at) = (state, moment.bootID, moment.moduleLoad, moment.at)
        }
    }

    package var apiVersion: String
    package var gpus: [GPU]

    package init(gpus: [GPU] = []) {
        apiVersion = NodeFacts.currentAPIVersion
        self.gpus = gpus
    }

    /// The layouts as a fact of the node.
    package var wanted: WantedMIGLayout {
        WantedMIGLayout(
            gpus: gpus.map { gpu in
                WantedMIGLayout.GPU(
                    uuid: gpu.uuid,
                    pciAddress: gpu.pciAddress,
                    layout: gpu.layout,
                    isEnabled: gpu.target.isEnabled,
                    devices: gpu.target.names,
                    isFailed: gpu.state == .failed,
                    bootID: gpu.bootID,
                    moduleLoad: gpu.moduleLoad,
                    at: gpu.at
                )
            }
        )
    }
}

extension MIGRecord {
    /// The plan that makes the layouts again.
    ///
    /// A GPU that was replaced gets no layout: the record knows GPUs by their UUIDs.
    ///
    /// - Parameters:
    ///   - inventory: The GPUs of the node.
    ///   - uuids: The GPUs to plan; nil for all.
    /// - Returns: The plan, with the GPUs that are missing.
    package func plan(_ inventory: MIGInventory, only uuids: Set<String>? = nil) -> MIGNodePlan {
        var targets: [Int: MIGTarget] = [:]
        var missing: [String] = []
        var names: [String] = []
        for wanted in gpus where uuids?.contains(wanted.uuid) ?? true {
            if !names.contains(wanted.layout) { names.append(wanted.layout) }
            if let gpu = inventory.gpus.first(where: { $0.uuid == wanted.uuid }) {
                targets[gpu.index] = wanted.target
            } else if wanted.target.isEnabled {
                missing.append(self.missing(wanted, inventory))
            }
        }
        var plan = MIGNodePlan(names.joined(separator: ", "), targets, [], inventory)
        plan.missing = missing
        return plan
    }

    /// Says that a GPU is not there, and what to do.
    private func missing(_ wanted: GPU, _ inventory: MIGInventory) -> String {
        let text = "the GPU \(wanted.uuid), which was at \(wanted.pciAddress), is not there"
        let successor = inventory.gpus.first { gpu in
            gpu.pciAddress == wanted.pciAddress && !gpus.contains { $0.uuid == gpu.uuid }
        }
        guard let successor else { return text }
        return "\(text). In its place is the GPU \(successor.uuid), for which 'gpu-agent mig apply' makes a layout"
    }

    /// The record with the layout of a command.
    ///
    /// The layouts of other GPUs stay. The layout of a GPU that was at the address of one of these GPUs is forgotten,
    /// because that GPU was replaced.
    ///
    /// - Parameters:
    ///   - plan: The plan of the GPUs that the layout names.
    ///   - inventory: All GPUs of the node.
    ///   - moment: When the states were read.
    ///   - state: The state of a GPU.
    /// - Returns: The new record.
    package func applying(
        _ plan: MIGNodePlan,
        among inventory: MIGInventory,
        at moment: Moment,
        _ state: (MIGGPUPlan) -> State
    ) -> MIGRecord {
        let new = plan.gpus.map { gpu in
            GPU(gpu.gpu, layout: plan.layout, target: gpu.target, state(gpu), moment)
        }
        let others = gpus.filter { old in
            let isThere = inventory.gpus.contains { $0.uuid == old.uuid }
            return !new.contains { $0.uuid == old.uuid || (!isThere && $0.pciAddress == old.pciAddress) }
        }
        return MIGRecord(gpus: (others + new).sorted { $0.pciAddress < $1.pciAddress })
    }

    /// The record after its layouts were made again, where a GPU that has its layout now is a success of this moment.
    ///
    /// The others stay as they are, for the next attempt.
    package func restored(_ plan: MIGNodePlan, failed: Set<String>, at moment: Moment) -> MIGRecord {
        var record = self
        for made in plan.gpus where made.outcome == .matches && !failed.contains(made.gpu.uuid) {
            for index in record.gpus.indices
            where record.gpus[index].uuid == made.gpu.uuid && record.gpus[index].target == made.target {
                let layout = record.gpus[index].layout
                record.gpus[index] = GPU(made.gpu, layout: layout, target: made.target, .success, moment)
            }
        }
        return record
    }
}

extension MIGGPUPlan {
    /// What a record says about the GPU before a change.
    package var stateBeforeChange: MIGRecord.State { steps.isEmpty ? recordedState(isFailed: false) : .changing }

    /// What a record says about the GPU after a change.
    ///
    /// - Parameter isFailed: Whether a step failed.
    /// - Returns: The state of the GPU.
    package func recordedState(isFailed: Bool) -> MIGRecord.State {
        switch outcome {
        case .matches where !isFailed: .success
        case .reset where !isFailed: .resetRequired
        default: .failed
        }
    }
}
