/// How the GPUs of a node compare with their recorded MIG layouts.
package struct MIGComparison: Sendable, Equatable {
    /// A GPU that does not have its recorded layout.
    package struct Difference: Sendable, Equatable {
        package var gpu: GPUFacts
        package var goal: WantedMIGLayout.GPU
        /// Whether the driver was loaded anew after the record was written, by a reboot or without one.
        ///
        /// The driver keeps no GPU instance then. Otherwise somebody changed the layout, or it was never complete.
        package var isLost: Bool

        /// Whether the daemon may make the layout again.
        ///
        /// A GPU with MIG devices is left alone, because somebody made these after the load. MIG mode is never turned
        /// off without a command.
        package var isRestorable: Bool { isLost && goal.isEnabled && gpu.hasNoMIGDevice }
    }

    /// A recorded layout whose GPU is not in the node.
    package struct Missing: Sendable, Equatable {
        package var goal: WantedMIGLayout.GPU
        /// The GPU that is now at the address of the recorded one, and has no recorded layout; nil when there is none.
        package var successor: GPUFacts?
    }

    package var differences: [Difference] = []
    /// The layouts with MIG devices whose GPU is not in the node.
    package var missing: [Missing] = []
    /// Whether the MIG mode or the MIG devices of a GPU are not known.
    package var isIncomplete = false

    /// The UUIDs of the GPUs whose layout the daemon may make again.
    package var restorable: [String] { differences.filter(\.isRestorable).map(\.goal.uuid) }
}

extension NodeFacts {
    /// Compares the GPUs with their recorded MIG layouts; nil when none is recorded, or when NVML did not answer.
    package var migComparison: MIGComparison? {
        guard let wanted = wantedMIG.value, !wanted.gpus.isEmpty, let gpus = vendor.value?.nvml.value?.gpus else {
            return nil
        }
        var comparison = MIGComparison()
        for goal in wanted.gpus {
            guard let gpu = gpus.first(where: { $0.uuid.value == goal.uuid }) else { continue }
            switch gpu.has(goal) {
            case true?: break
            case false?: comparison.differences.append(.init(gpu: gpu, goal: goal, isLost: isLost(goal)))
            case nil: comparison.isIncomplete = true
            }
        }
        // A GPU that does not tell its UUID can be the recorded one.
        if gpus.allSatisfy({ $0.uuid.value != nil }) {
            comparison.missing = wanted.gpus.filter { goal in
                goal.isEnabled && !gpus.contains { $0.uuid.value == goal.uuid }
            }.map { goal in
                let successor = gpus.first { gpu in
                    gpu.pciAddress.value == goal.pciAddress && !wanted.gpus.contains { $0.uuid == gpu.uuid.value }
                }
                return .init(goal: goal, successor: successor)
            }
        }
        return comparison
    }

    /// Whether the driver was loaded anew after a layout was recorded; false when that is not known.
    private func isLost(_ goal: WantedMIGLayout.GPU) -> Bool {
        guard let boot = host.bootID.value, let before = goal.bootID else { return false }
        guard boot == before else { return true }
        guard let load = driver.moduleLoad.value, let loadBefore = goal.moduleLoad else { return false }
        return load != loadBefore
    }
}

extension GPUFacts {
    /// Whether the GPU has a layout; nil when that is not known.
    fileprivate func has(_ goal: WantedMIGLayout.GPU) -> Bool? {
        guard let mode = migMode.value else { return nil }
        guard mode.current, goal.isEnabled else { return mode.current == goal.isEnabled }
        return migDevices.value.map { $0.map(\.profile).sorted() == goal.devices }
    }

    /// Whether the GPU has no MIG device; false when that is not known.
    fileprivate var hasNoMIGDevice: Bool { migDevices.value?.isEmpty ?? migDevices.isAbsent }
}
