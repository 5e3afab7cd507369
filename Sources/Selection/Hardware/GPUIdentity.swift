package import Catalog
import NodeModel
import Support

/// What one GPU on the bus turned out to be.
package enum GPUIdentity: Sendable, Equatable {
    case physical(CatalogGPU)
    case vgpu(CatalogVGPUType)
    /// No rule knows it, and the operator says what it is: what it then takes.
    case allowed(DriverRequirements)
    /// The card is known and its configuration space says that it is a vGPU, but the type is not in the catalog.
    case unknownVGPUType(CatalogGPU)
    /// The card is known, and what would tell it from a vGPU of it could not be read.
    case undetermined(CatalogGPU)
    /// Evidence disagrees: what speaks for a physical GPU, and what for a vGPU.
    case contradictory(physical: Evidence, vgpu: Evidence)
    /// No rule knows it.
    case unknown
}

/// Tells what a GPU is, and from what.
struct HardwareIdentification {
    var catalog: Catalog
    var machine: Machine
    /// The cloud or hypervisor; nil when it is not known.
    var platform: CatalogPlatform?
    var policy: Policy
    /// What NVML says of each GPU's way into this machine, by address.
    var virtualization: [PCIAddress: VirtualizationMode]

    /// The identity, with every piece of evidence that speaks for or against it.
    func identify(_ gpu: PCIFunction) -> (identity: GPUIdentity, evidence: [Evidence]) {
        let type = vgpuType(of: gpu)
        let card = catalog.gpus[gpu.id]
        let says = statements(about: gpu, type, card)
        var evidence = says.map(\.evidence) + remarks(on: gpu, type, card)
        if let override = policy.override(for: gpu) {
            let line = Evidence(
                .configuration,
                "config",
                "\(gpu.address) is taken as \(override.treatment.rawValue): gpus: \(override.key)"
            )
            evidence.append(line)
            return (identity(by: override.treatment, gpu, type, card), evidence)
        }
        if let physical = says.first(where: { !$0.isVGPU }), let vgpu = says.first(where: \.isVGPU),
            type != nil || card != nil
        {
            return (.contradictory(physical: physical.evidence, vgpu: vgpu.evidence), evidence)
        }
        return (identity(of: gpu, type, card, says), evidence)
    }

    private func identity(
        by treatment: HardwareOverride.Treatment,
        _ gpu: PCIFunction,
        _ type: CatalogVGPUType?,
        _ card: CatalogGPU?
    ) -> GPUIdentity {
        let anything = DriverRequirements(kind: .datacenter, kernelModuleTypes: Set(KernelModuleType.allCases))
        guard treatment == .vgpu else { return card.map { .physical($0) } ?? .allowed(anything) }
        if let type { return .vgpu(type) }
        // A type of a known card takes what every type of that card takes, or else what the card does.
        let siblings = catalog.vgpuTypes.values.filter { $0.key.device == gpu.id.device }
        let grid = DriverRequirements(
            kind: .grid,
            kernelModuleTypes: card.map { Set($0.kernelModuleTypes) } ?? anything.kernelModuleTypes
        )
        let common = siblings.compactMap { DriverRequirements(.vgpu($0)) }
            .reduce(
                siblings.isEmpty ? nil : DriverRequirements(kind: .grid, kernelModuleTypes: anything.kernelModuleTypes)
            ) {
                $0?.intersection($1)
            }
        return .allowed(common ?? grid)
    }

    private func identity(
        of gpu: PCIFunction,
        _ type: CatalogVGPUType?,
        _ card: CatalogGPU?,
        _ says: [Statement]
    ) -> GPUIdentity {
        if let type { return .vgpu(type) }
        guard let card else { return .unknown }
        if says.contains(where: \.isVGPU) { return .unknownVGPUType(card) }
        if says.contains(where: { $0.evidence.basis == .board }) { return .physical(card) }
        // A vGPU shows the card's id: without the board's own subsystem, only the whole configuration space tells.
        guard gpu.vgpuCapability.isAbsent, gpu.subsystem.whyUnknown == nil else { return .undetermined(card) }
        // Where a cloud is known to hand out vGPUs of the card, a board that nobody knows may be one of them.
        if platform?.vgpuHosts[gpu.id.device] != nil { return .unknownVGPUType(card) }
        return .physical(card)
    }

    private func vgpuType(of gpu: PCIFunction) -> CatalogVGPUType? {
        gpu.subsystem.value.flatMap {
            catalog.vgpuTypes[VGPUTypeKey(device: gpu.id.device, subsystemDevice: $0.device)]
        }
    }

    /// A piece of evidence that speaks for one of the two.
    private struct Statement {
        var isVGPU: Bool
        var evidence: Evidence
    }

    /// What speaks for a vGPU or for a physical GPU, the strongest first.
    private func statements(about gpu: PCIFunction, _ type: CatalogVGPUType?, _ card: CatalogGPU?) -> [Statement] {
        var says: [Statement] = []
        func say(_ isVGPU: Bool, _ evidence: Evidence) {
            says.append(Statement(isVGPU: isVGPU, evidence: evidence))
        }
        let subsystem = gpu.subsystem.value
        if let type, let subsystem {
            let words = "\(gpu.id) with subsystem \(subsystem) is the vGPU type \(type.name)"
            say(true, Evidence(.subsystemPair, gpu, words))
        } else if let card, let subsystem, card.subsystems.contains(subsystem) {
            let words = "\(gpu.id) with subsystem \(subsystem) is the physical GPU \(card.name)"
            say(false, Evidence(.board, gpu, words))
        }
        if let capability = gpu.vgpuCapability.value {
            say(true, Evidence(.vgpuCapability, gpu, capability.statement))
        }
        if machine == .bareMetal, says.contains(where: \.isVGPU) {
            say(false, Evidence(.platform, gpu, "no hypervisor runs this machine, so the GPU is no vGPU"))
        }
        if let count = gpu.sriovTotalVFs.value, count > 0 {
            let words = "has \(count) virtual functions to give (sriov_totalvfs), as only a physical GPU has"
            say(false, Evidence(.sriov, gpu, words))
        }
        switch virtualization[gpu.address] {
        case .vgpu: say(true, Evidence(.running, gpu, "NVML says that the GPU is a vGPU"))
        case .passthrough: say(false, Evidence(.running, gpu, "NVML says that the GPU is passed through"))
        case .none?: say(false, Evidence(.running, gpu, "NVML says that the GPU is not virtualized"))
        case .hostVgpu, .hostVsga, nil: break
        }
        return says
    }

    /// What else is known of a function, and speaks for neither.
    private func remarks(on gpu: PCIFunction, _ type: CatalogVGPUType?, _ card: CatalogGPU?) -> [Evidence] {
        var remarks: [Evidence] = []
        if type == nil {
            let board = gpu.subsystem.value.map { " with subsystem \($0)" } ?? ""
            let pair =
                gpu.subsystem.whyUnknown == nil
                ? "the pair is no vGPU type of the catalog" : "its subsystem could not be read"
            let known = gpu.subsystem.value.map { card?.subsystems.contains($0) ?? false } ?? false
            if let card, !known {
                let words = "\(gpu.id)\(board) is the card \(card.name); \(pair)"
                remarks.append(Evidence(.subsystemPair, gpu, words))
            } else if card == nil {
                remarks.append(Evidence(.subsystemPair, gpu, "\(gpu.id)\(board) is in no catalog"))
            }
        }
        let name = gpu.isVGAController ? "VGA controller" : "3D controller"
        remarks.append(Evidence(.deviceClass, gpu, "class \(hex(gpu.classCode, digits: 4)), \(name): a GPU"))
        return remarks
    }
}

extension VGPUCapability {
    fileprivate var statement: String {
        let host = [hostDriverVersion.map { "driver \($0)" }, hostDriverBranch.map { "branch \($0)" }]
            .compactMap(\.self).joined(separator: ", ")
        return "configuration space has the capability of a vGPU" + (host.isEmpty ? "" : ", host \(host)")
    }
}
