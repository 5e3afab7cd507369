import Catalog
package import NodeModel

/// What a node's GPUs together ask of a driver.
package struct DriverRequirements: Sendable, Equatable {
    package var kind: DriverKind
    /// What every GPU accepts.
    package var kernelModuleTypes: Set<KernelModuleType>
    package var minBranch: Int?
    package var maxBranch: Int?

    package init(
        kind: DriverKind,
        kernelModuleTypes: Set<KernelModuleType>,
        minBranch: Int? = nil,
        maxBranch: Int? = nil
    ) {
        self.kind = kind
        self.kernelModuleTypes = kernelModuleTypes
        self.minBranch = minBranch
        self.maxBranch = maxBranch
    }

    /// What one GPU asks for; nil when it is not known what it is.
    ///
    /// A physical GPU that is to be a workstation takes a GRID driver.
    package init?(_ identity: GPUIdentity, workstation: Bool = false) {
        switch identity {
        case .physical(let gpu):
            self.init(
                kind: workstation ? .grid : .datacenter,
                kernelModuleTypes: Set(gpu.kernelModuleTypes),
                minBranch: gpu.minBranch,
                maxBranch: workstation ? gpu.maxWorkstationBranch ?? gpu.maxBranch : gpu.maxBranch
            )
        case .vgpu(let type):
            self.init(
                kind: .grid,
                kernelModuleTypes: Set(type.kernelModuleTypes),
                minBranch: type.minBranch,
                maxBranch: type.maxBranch
            )
        case .allowed(let requirements):
            self = requirements
            if workstation { kind = .grid }
        case .unknownVGPUType, .undetermined, .contradictory, .unknown:
            return nil
        }
    }

    /// What suits both; nil when nothing does.
    package func intersection(_ other: DriverRequirements) -> DriverRequirements? {
        let kernelModuleTypes = kernelModuleTypes.intersection(other.kernelModuleTypes)
        let minBranch = [minBranch, other.minBranch].compactMap(\.self).max()
        let maxBranch = [maxBranch, other.maxBranch].compactMap(\.self).min()
        guard kind == other.kind, !kernelModuleTypes.isEmpty, (minBranch ?? 0) <= (maxBranch ?? .max) else {
            return nil
        }
        return DriverRequirements(
            kind: kind,
            kernelModuleTypes: kernelModuleTypes,
            minBranch: minBranch,
            maxBranch: maxBranch
        )
    }

    /// `a grid driver with open modules of branch 580 or newer`.
    package var words: String {
        let branches =
            switch (minBranch, maxBranch) {
            case (nil, nil): ""
            case (let first?, nil): " of branch \(first) or newer"
            case (nil, let last?): " of branch \(last) or older"
            case (let first?, let last?): " of branches \(first) to \(last)"
            }
        return "a \(kind.rawValue) driver with \(listed(kernelModuleTypes)) modules\(branches)"
    }
}

/// Names in a sentence: `open or proprietary`.
func listed(_ kernelModuleTypes: some Sequence<KernelModuleType>) -> String {
    kernelModuleTypes.map(\.rawValue).sorted().joined(separator: " or ")
}
