import Catalog
package import NodeModel

/// What the GPUs of a node need of a driver.
package struct DriverRequirements: Sendable, Equatable, CustomStringConvertible {
    package var kind: DriverKind
    /// The kernel module types that every GPU supports.
    package var kernelModuleTypes: Set<KernelModuleType>
    /// The first branch that supports every GPU; nil when there is no limit.
    package var minBranch: Int?
    /// The last branch that supports every GPU; nil when there is no limit.
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

    /// The requirements of one GPU; nil when the GPU is not identified.
    ///
    /// A physical GPU that runs as a virtual workstation needs a GRID driver.
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
        case .unknownVGPUType, .unlistedBoard, .undetermined, .contradictory, .unknown:
            return nil
        }
    }

    /// The requirements of both sets of GPUs together; nil when no driver meets both.
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

    /// The requirements for people: `GRID driver of branch 580 or newer with open kernel modules`.
    package var description: String {
        let branches =
            switch (minBranch, maxBranch) {
            case (nil, nil): ""
            case (let first?, nil): " of branch \(first) or newer"
            case (nil, let last?): " of branch \(last) or older"
            case (let first?, let last?): " of branches \(first) to \(last)"
            }
        return "\(kind.displayName) driver\(branches) with \(listed(kernelModuleTypes)) kernel modules"
    }
}

/// The names of kernel module types in a sentence: `open or proprietary`.
func listed(_ kernelModuleTypes: some Sequence<KernelModuleType>) -> String {
    kernelModuleTypes.map(\.rawValue).sorted().joined(separator: " or ")
}
