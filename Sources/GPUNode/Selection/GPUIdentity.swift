/// What one GPU on the bus turned out to be.
package enum GPUIdentity: Sendable, Equatable {
    case physical(CatalogGPU)
    case vgpu(CatalogVGPUType)
    /// The card is known and its configuration space says that it is a vGPU, but the type is not in the catalog.
    case unknownVGPUType(CatalogGPU)
    /// The card is known, and what would tell it from a vGPU of it could not be read.
    case undetermined(CatalogGPU)
    /// No rule knows it.
    case unknown

    /// Tells what a GPU is, strongest evidence first: the pair (device, subsystem device), the "VF" capability, the
    /// device id.
    package static func identify(_ gpu: PCIFunction, in catalog: Catalog) -> (identity: GPUIdentity, why: String) {
        let subsystem = gpu.subsystem.value
        if let subsystem,
            let type = catalog.vgpuTypes[VGPUTypeKey(device: gpu.id.device, subsystemDevice: subsystem.device)]
        {
            return (.vgpu(type), "\(gpu.id) with subsystem \(subsystem) is the vGPU type \(type.name)")
        }
        guard let card = catalog.gpus[gpu.id] else {
            return (.unknown, "\(gpu.id) is in no catalog")
        }
        let board = subsystem.map { " with subsystem \($0)" } ?? ""
        let physical = (GPUIdentity.physical(card), "\(gpu.id)\(board) is the physical GPU \(card.name)")
        if let subsystem, card.subsystems.contains(subsystem) { return physical }
        if gpu.vgpuCapability.value != nil {
            return (
                .unknownVGPUType(card),
                "\(gpu.id) is the card \(card.name), and its configuration space says that it is a vGPU"
            )
        }
        // A vGPU shows the card's id: without the board's own subsystem, only the whole configuration space tells.
        guard gpu.vgpuCapability.isAbsent, subsystem != nil || gpu.subsystem.isAbsent else {
            return (.undetermined(card), "\(gpu.id)\(board) is the card \(card.name) or a vGPU of it")
        }
        return physical
    }
}

/// What a node's GPUs together ask of a driver.
package struct DriverRequirements: Sendable, Equatable {
    package var kind: DriverKind
    /// What every GPU accepts.
    package var flavours: Set<ModuleFlavour>
    package var minBranch: Int?
    package var maxBranch: Int?

    package init(kind: DriverKind, flavours: Set<ModuleFlavour>, minBranch: Int? = nil, maxBranch: Int? = nil) {
        self.kind = kind
        self.flavours = flavours
        self.minBranch = minBranch
        self.maxBranch = maxBranch
    }

    /// What one GPU asks for; nil when it is unknown.
    package init?(_ identity: GPUIdentity) {
        switch identity {
        case .physical(let gpu):
            self.init(
                kind: .datacenter,
                flavours: Set(gpu.flavours),
                minBranch: gpu.minBranch,
                maxBranch: gpu.maxBranch
            )
        case .vgpu(let type):
            self.init(
                kind: .grid,
                flavours: Set(type.flavours),
                minBranch: type.minBranch,
                maxBranch: type.maxBranch
            )
        case .unknownVGPUType, .undetermined, .unknown:
            return nil
        }
    }

    /// What suits both; nil when nothing does.
    package func intersection(_ other: DriverRequirements) -> DriverRequirements? {
        let flavours = flavours.intersection(other.flavours)
        let minBranch = [minBranch, other.minBranch].compactMap(\.self).max()
        let maxBranch = [maxBranch, other.maxBranch].compactMap(\.self).min()
        guard kind == other.kind, !flavours.isEmpty, (minBranch ?? 0) <= (maxBranch ?? .max) else { return nil }
        return DriverRequirements(kind: kind, flavours: flavours, minBranch: minBranch, maxBranch: maxBranch)
    }
}
