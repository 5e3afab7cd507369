package import Catalog
import NodeModel
import Support

/// What a GPU on the PCI bus is.
package enum GPUIdentity: Sendable, Equatable {
    /// A physical GPU of the catalog.
    case physical(CatalogGPU)
    /// A vGPU of a type in the catalog.
    case vgpu(CatalogVGPUType)
    /// A GPU that only the configuration identifies, with its requirements.
    case allowed(DriverRequirements)
    /// A vGPU of a known card, of a type that the catalog does not list.
    case unknownVGPUType(CatalogGPU)
    /// A board of a known card, or a vGPU of it, that the catalog does not list.
    case unlistedBoard(CatalogGPU)
    /// A known card or a vGPU of it: the agent could not read what distinguishes them.
    case undetermined(CatalogGPU)
    /// The evidence conflicts: one piece shows a physical GPU and another one a vGPU.
    case contradictory(physical: Evidence, vgpu: Evidence)
    /// A GPU that the catalog does not know.
    case unknown
}

/// Identifies GPUs, and collects the evidence.
struct HardwareIdentification {
    var catalog: Catalog
    var machine: Machine
    /// The platform of the catalog; nil when it is not known.
    var platform: CatalogPlatform?
    var policy: Policy
    /// Whether this is a virtual machine, in which a GPU may be a vGPU.
    var isGuest: Bool
    /// The virtualization mode that NVML reports for each GPU, by address.
    var virtualization: [PCIAddress: VirtualizationMode]

    /// The identity of a GPU, with all the evidence for and against it.
    func identify(_ gpu: PCIFunction) -> (identity: GPUIdentity, evidence: [Evidence]) {
        let type = vgpuType(of: gpu)
        let card = catalog.gpus[gpu.id]
        let says = statements(about: gpu, type, card)
        var evidence = says.map(\.evidence) + remarks(on: gpu, type, card)
        if let override = policy.override(for: gpu) {
            let line = Evidence(
                .configuration,
                "config",
                "The configuration says that GPU \(gpu.address) is \(override.treatment.rawValue) "
                    + "(gpus: \(override.key))."
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

    /// What an unlisted GPU is if a driver of one kind or the other works on it; empty for other GPUs.
    func alternatives(to identity: GPUIdentity, of gpu: PCIFunction) -> [DriverKind: GPUIdentity] {
        func vgpu() -> GPUIdentity { self.identity(by: .vgpu, gpu, vgpuType(of: gpu), catalog.gpus[gpu.id]) }
        return switch identity {
        case .unknownVGPUType: [.grid: vgpu()]
        case .unlistedBoard(let card): [.grid: vgpu(), .datacenter: .physical(card)]
        case .physical, .vgpu, .allowed, .undetermined, .contradictory, .unknown: [:]
        }
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
        // An unknown vGPU type needs what all types of the same card need, or else what the card itself needs.
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
        if !says.isEmpty { return .physical(card) }
        // A vGPU shows the device ID of its card. Without the subsystem ID of a board, only the configuration space
        // distinguishes the two.
        guard gpu.vgpuCapability.isAbsent, gpu.subsystem.whyUnknown == nil else { return .undetermined(card) }
        // In a virtual machine, an unlisted board of a card with vGPU types may be a vGPU: the list of types is not
        // complete, and not every vGPU host adds the capability. On a cloud that offers vGPUs of the card, the same is
        // true when the processor does not tell whether this is a virtual machine.
        if platform?.vgpuHosts[gpu.id.device] != nil { return .unlistedBoard(card) }
        let hasTypes = catalog.vgpuTypes.keys.contains { $0.device == gpu.id.device }
        if isGuest, hasTypes, gpu.subsystem.value != nil { return .unlistedBoard(card) }
        return .physical(card)
    }

    private func vgpuType(of gpu: PCIFunction) -> CatalogVGPUType? {
        gpu.subsystem.value.flatMap {
            catalog.vgpuTypes[VGPUTypeKey(device: gpu.id.device, subsystemDevice: $0.device)]
        }
    }

    /// A piece of evidence for a vGPU or for a physical GPU.
    private struct Statement {
        var isVGPU: Bool
        var evidence: Evidence
    }

    /// The evidence for a vGPU or for a physical GPU, the strongest first.
    private func statements(about gpu: PCIFunction, _ type: CatalogVGPUType?, _ card: CatalogGPU?) -> [Statement] {
        var says: [Statement] = []
        func say(_ isVGPU: Bool, _ evidence: Evidence) {
            says.append(Statement(isVGPU: isVGPU, evidence: evidence))
        }
        let subsystem = gpu.subsystem.value
        if let type, let subsystem {
            let statement = "Device \(gpu.id) with subsystem \(subsystem) is the vGPU type \(type.name)."
            say(true, Evidence(.subsystemPair, gpu, statement))
        } else if let card, let subsystem, card.subsystems.contains(subsystem) {
            let statement = "Device \(gpu.id) with subsystem \(subsystem) is the physical GPU \(card.name)."
            say(false, Evidence(.board, gpu, statement))
        }
        if let capability = gpu.vgpuCapability.value {
            say(true, Evidence(.vgpuCapability, gpu, capability.statement))
        }
        if machine == .bareMetal, says.contains(where: \.isVGPU) {
            say(false, Evidence(.platform, gpu, "No hypervisor runs this machine, so the GPU cannot be a vGPU."))
        }
        if let count = gpu.sriovTotalVFs.value, count > 0 {
            let statement = "The GPU supports \(count) virtual functions (sriov_totalvfs), as only a physical GPU does."
            say(false, Evidence(.sriov, gpu, statement))
        }
        switch virtualization[gpu.address] {
        case .vgpu: say(true, Evidence(.running, gpu, "NVML reports that the GPU is a vGPU."))
        case .passthrough: say(false, Evidence(.running, gpu, "NVML reports that the GPU is passed through."))
        case .none?: say(false, Evidence(.running, gpu, "NVML reports that the GPU is not virtualized."))
        case .hostVgpu, .hostVsga, nil: break
        }
        return says
    }

    /// Evidence that shows neither a vGPU nor a physical GPU.
    private func remarks(on gpu: PCIFunction, _ type: CatalogVGPUType?, _ card: CatalogGPU?) -> [Evidence] {
        var remarks: [Evidence] = []
        if type == nil {
            let board = gpu.subsystem.value.map { " with subsystem \($0)" } ?? ""
            let pair =
                switch gpu.subsystem {
                case .present: "The catalog has no vGPU type for these IDs."
                case .absent, .absentBecause: "It has no subsystem ID."
                case .unreadable, .skipped: "The agent could not read its subsystem ID."
                }
            let known = gpu.subsystem.value.map { card?.subsystems.contains($0) ?? false } ?? false
            if let card, !known {
                let statement = "Device \(gpu.id)\(board) is the card \(card.name). \(pair)"
                remarks.append(Evidence(.subsystemPair, gpu, statement))
            } else if card == nil {
                remarks.append(Evidence(.subsystemPair, gpu, "Device \(gpu.id)\(board) is not in the catalog."))
            }
        }
        let name = gpu.isVGAController ? "VGA controller" : "3D controller"
        remarks.append(
            Evidence(.deviceClass, gpu, "Class \(hex(gpu.classCode, digits: 4)) (\(name)) is a class of GPUs.")
        )
        return remarks
    }
}

extension VGPUCapability {
    fileprivate var statement: String {
        let host = [hostDriverVersion.map { "driver \($0)" }, hostDriverBranch.map { "branch \($0)" }]
            .compactMap(\.self).joined(separator: ", ")
        return "The configuration space has the PCI capability VF, which only vGPUs have."
            + (host.isEmpty ? "" : " The vGPU host runs \(host).")
    }
}
