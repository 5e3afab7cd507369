import Catalog
import NodeModel
import Support

/// A GPU of the node, with its identity.
struct IdentifiedGPU: CustomStringConvertible {
    var function: PCIFunction
    var identity: GPUIdentity
    /// What the GPU is if the driver on the host, of one kind or the other, works on it; empty when the GPU is
    /// identified.
    var alternatives: [DriverKind: GPUIdentity] = [:]

    /// Whether the GPU is a vGPU, which has a vGPU host.
    var isVGPU: Bool {
        switch identity {
        case .vgpu: true
        case .allowed(let requirements): requirements.kind == .grid
        case .physical, .unknownVGPUType, .unlistedBoard, .undetermined, .contradictory, .unknown: false
        }
    }

    /// The PCI IDs in the form of the configuration: `10de:2bb5/1414:2187`.
    var key: String {
        HardwareOverride(id: function.id, subsystem: function.subsystem.value, treatment: .ignored).key
    }

    /// The GPU for people: `0001:00:00.0 (10de:2bb5, subsystem 1414:2187, NVIDIA RTX Pro 6000 Blackwell DC-4-96Q)`.
    var description: String {
        "\(function.address) ("
            + [function.id.description, subsystem, name].compactMap(\.self)
            .joined(separator: ", ") + ")"
    }

    /// What a GPU that the catalog does not know most likely is.
    private var likely: HardwareOverride.Treatment { function.vgpuCapability.value == nil ? .physical : .vgpu }

    private var subsystem: String {
        switch function.subsystem {
        case .present(let id): "subsystem \(id)"
        case .absent, .absentBecause: "no subsystem"
        case .unreadable, .skipped: "unreadable subsystem"
        }
    }

    private var name: String? {
        switch identity {
        case .physical(let card), .unknownVGPUType(let card), .unlistedBoard(let card), .undetermined(let card):
            card.name
        case .vgpu(let type): type.name
        case .allowed, .contradictory, .unknown: function.name
        }
    }

    /// Why the agent cannot choose a driver for the GPU; nil when it is identified.
    var problem: Finding? {
        let name = function.name.map { "The file pci.ids calls it '\($0)'." } ?? "The file pci.ids does not list it."
        let gpu =
            "GPU \(function.address) (\(function.id), \(subsystem), class \(hex(function.classCode, digits: 4)))"
        switch identity {
        case .physical, .vgpu, .allowed: return nil
        case .unknownVGPUType(let card), .unlistedBoard(let card):
            return Finding(
                .unknownVGPUType,
                observed: "\(gpu) is an unknown vGPU type or an unknown board of \(card.name).",
                expected: "a vGPU type or a board that the catalog lists",
                remedy:
                    "If you know what the GPU is, add the line '\(key): vgpu' or '\(key): physical' under gpus in the "
                    + "configuration, or add the type to vgpuTypes in a catalog of your own."
            )
        case .undetermined(let card):
            return Finding(
                .pciUnreadable,
                observed: "\(gpu) is either \(card.name) or one of its vGPUs, and the agent could not determine which.",
                expected: "a subsystem ID and a configuration space that the agent can read",
                remedy: function.isUnreadableWithoutRoot
                    ? "Run the agent as root. Other users can read only the first 64 bytes of configuration space."
                    : "Read the kernel log (dmesg) and look for this address. If you know what the GPU is, add the "
                        + "line '\(key): vgpu' or '\(key): physical' under gpus in the configuration."
            )
        case .contradictory(let physical, let vgpu):
            return Finding(
                .evidenceConflict,
                observed: "The evidence about \(gpu) conflicts. For a vGPU: \(vgpu.statement) "
                    + "For a physical GPU: \(physical.statement)",
                expected: "evidence for either a vGPU or a physical GPU",
                remedy: "The agent does not guess, so it installs nothing. If you know what the GPU is, add the line "
                    + "'\(key): vgpu' or '\(key): physical' under gpus in the configuration."
            )
        case .unknown:
            return Finding(
                .unknownGPU,
                observed: "\(gpu) is not in the catalog. \(name)",
                expected: "a GPU that the catalog knows",
                remedy:
                    "The agent installs nothing on unknown hardware. Use a newer gpu-agent. Or allow the GPU: add the "
                    + "line '\(key): \(likely.rawValue)' under gpus in the configuration."
            )
        }
    }
}

extension PCIFunction {
    /// Whether root could read what this process could not.
    fileprivate var isUnreadableWithoutRoot: Bool {
        [vgpuCapability.failure, subsystem.failure].contains { $0?.reason == .permission }
    }
}
