package import NodeModel

/// What has to happen on a node for its GPUs to have a layout.
package struct MIGNodePlan: Sendable, Equatable {
    /// The name of the layout.
    package var layout: String
    package var gpus: [MIGGPUPlan]
    /// What is wrong with the layout on this node, or with the node.
    package var problems: [String]
    /// The GPUs of a record that are not in the node.
    ///
    /// They do not prevent a change of the others.
    package internal(set) var missing: [String] = []

    /// Plans the GPUs that the entries of a layout name.
    package init(_ layout: String, _ entries: [MIGConfigFile.Entry], _ inventory: MIGInventory) {
        let (targets, problems) = MIGTargets.resolve(entries, inventory)
        self.init(layout, targets, problems, inventory)
    }

    package init(_ layout: String, _ targets: [Int: MIGTarget], _ problems: [String], _ inventory: MIGInventory) {
        self.layout = layout
        self.problems = problems
        gpus = inventory.gpus.compactMap { gpu in
            guard let target = targets[gpu.index] else { return nil }
            if let why = gpu.virtualization.whyUnknown {
                return MIGGPUPlan(gpu, target, .refused("whether it is a vGPU is not known: \(why)"))
            }
            return gpu.virtualization.value == .vgpu ? Self.guest(gpu, target) : MIGPlanner.plan(gpu, target)
        }
    }

    /// A vGPU has the layout that its host gave it, and the agent changes nothing.
    private static func guest(_ gpu: MIGGPU, _ target: MIGTarget) -> MIGGPUPlan {
        if gpu.mode.value?.current == target.isEnabled, gpu.devices.value?.sorted() == target.names {
            return MIGGPUPlan(gpu, target, .matches)
        }
        let why =
            "it is a vGPU. Only the vGPU host can change its MIG mode and its GPU instances; in the guest, the "
            + "driver answers Insufficient Permissions or Not Supported"
        return MIGGPUPlan(gpu, target, .refused(why))
    }

    /// Leaves GPUs out that the configuration ignores or that belong to somebody else.
    ///
    /// A person who runs `mig apply` chooses the GPUs. The daemon has only the configuration.
    package mutating func leaveOut(_ addresses: Set<PCIAddress>) {
        gpus.removeAll { addresses.contains($0.gpu.pciAddress) }
    }

    /// Refuses to change GPUs that a process uses.
    ///
    /// - Parameter users: The processes that have a device node of the driver open.
    package mutating func refuse(_ users: Reading<[DeviceUser]>) {
        for index in gpus.indices where !gpus[index].steps.isEmpty {
            guard let users = users.value else {
                gpus[index].outcome = .refused("the agent cannot tell which processes use the GPU: \(users.why)")
                continue
            }
            let found = Self.users(of: gpus[index].gpu, users)
            if !found.isEmpty { gpus[index].outcome = .inUse(found) }
        }
    }

    /// Refuses to change GPUs that have a MIG device.
    ///
    /// The daemon makes a lost layout again. A MIG device is of somebody who came first.
    package mutating func refuseWithDevices() {
        for index in gpus.indices where !gpus[index].steps.isEmpty {
            let instances = gpus[index].gpu.instances.value ?? []
            guard instances.contains(where: { !$0.computeInstances.isEmpty }) else { continue }
            gpus[index].outcome = .refused("somebody has made MIG devices on it")
        }
    }

    /// The processes that use a GPU: those that NVML lists, and those that have its device node open.
    ///
    /// A service of the driver, such as `nvidia-persistenced`, loses no work.
    static func users(of gpu: MIGGPU, _ users: [DeviceUser]) -> [DeviceUser] {
        let node = gpu.minor.value.map { "nvidia\($0)" }
        let listed = gpu.processes.value?.list.map(\.pid) ?? []
        let holders = users.filter { user in
            let holds = user.nodes.contains { name in
                node.map { $0 == name } ?? (name.hasPrefix("nvidia") && name.last?.isNumber == true)
            }
            return user.driverService == nil && (holds || listed.contains(user.pid))
        }
        let others = Set(listed).subtracting(users.map(\.pid)).sorted()
        return holders + others.map { DeviceUser(pid: $0, command: "unknown", nodes: []) }
    }

    /// Whether all GPUs have the layout.
    ///
    /// A layout that names no GPU of the node is nobody's wish.
    package var matches: Bool {
        problems.isEmpty && missing.isEmpty && !gpus.isEmpty && gpus.allSatisfy { $0.outcome == .matches }
    }

    /// Whether nothing speaks against a change: each GPU has the layout, can get it, or waits for a reset.
    package var canBegin: Bool {
        problems.isEmpty && !gpus.isEmpty
            && gpus.allSatisfy { $0.outcome == .matches || $0.outcome == .reset || !$0.steps.isEmpty }
    }

    /// Whether the agent can make the layout now.
    package var isPossible: Bool {
        problems.isEmpty && missing.isEmpty && gpus.allSatisfy { $0.outcome == .matches || !$0.steps.isEmpty }
    }
}
