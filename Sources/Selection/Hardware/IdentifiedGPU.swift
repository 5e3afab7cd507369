import Catalog
import NodeModel
import Support

/// One GPU of the node with what it turned out to be.
struct IdentifiedGPU {
    var function: PCIFunction
    var identity: GPUIdentity

    /// Whether it has a vGPU host.
    var isVGPU: Bool {
        switch identity {
        case .vgpu: true
        case .allowed(let requirements): requirements.kind == .grid
        case .physical, .unknownVGPUType, .undetermined, .contradictory, .unknown: false
        }
    }

    /// Its ids as the configuration writes them.
    var key: String {
        HardwareOverride(id: function.id, subsystem: function.subsystem.value, treatment: .ignored).key
    }

    /// `0001:00:00.0 (10de:2bb5, subsystem 1414:2187, NVIDIA RTX Pro 6000 Blackwell DC-4-96Q)`.
    var words: String {
        let subsystem = function.subsystem.value.map { "subsystem \($0)" } ?? "subsystem unreadable"
        return "\(function.address) ("
            + [function.id.description, subsystem, name].compactMap(\.self)
            .joined(separator: ", ") + ")"
    }

    /// What a GPU that no rule knows most likely is.
    private var likely: HardwareOverride.Treatment { function.vgpuCapability.value == nil ? .physical : .vgpu }

    private var subsystem: String {
        switch function.subsystem {
        case .present(let id): "subsystem \(id)"
        case .absent: "no subsystem"
        case .unreadable, .skipped: "subsystem not readable"
        }
    }

    private var name: String? {
        switch identity {
        case .physical(let card), .unknownVGPUType(let card), .undetermined(let card): card.name
        case .vgpu(let type): type.name
        case .allowed, .contradictory, .unknown: function.name
        }
    }

    /// Why nothing can be chosen for it; nil when it is known.
    var problem: Finding? {
        let name = function.name.map { ", named '\($0)' in pci.ids" } ?? ", not in pci.ids"
        let observed =
            "\(function.address): \(function.id), \(subsystem), "
            + "class \(hex(function.classCode, digits: 4))"
        switch identity {
        case .physical, .vgpu, .allowed: return nil
        case .unknownVGPUType(let card):
            return Finding(
                .unknownVGPUType,
                observed: "\(observed): a vGPU of \(card.name), or a board of it that is not known",
                expected: "a vGPU type of the catalog",
                remedy:
                    "if you know what it is, say so with the line '\(key): vgpu' or '\(key): physical' below gpus in "
                    + "the configuration, or add the type to vgpuTypes in a catalog of your own"
            )
        case .undetermined(let card):
            return Finding(
                .pciUnreadable,
                observed: "\(observed): \(card.name), or a vGPU of it",
                expected: "a subsystem id and a whole configuration space that can be read",
                remedy: "run the agent as root: others read the first 64 bytes of configuration space only"
            )
        case .contradictory(let physical, let vgpu):
            return Finding(
                .evidenceConflict,
                observed: "\(observed): \(vgpu.statement); but \(physical.statement)",
                expected: "evidence that says one thing: a vGPU or a physical GPU",
                remedy: "nothing is installed on a guess; if you know what it is, say so with the line "
                    + "'\(key): vgpu' or '\(key): physical' below gpus in the configuration"
            )
        case .unknown:
            return Finding(
                .unknownGPU,
                observed: observed + name,
                expected: "a GPU of the catalog",
                remedy: "nothing is installed on unknown hardware; use a newer gpu-agent, or allow it with the line "
                    + "'\(key): \(likely.rawValue)' below gpus in the configuration"
            )
        }
    }
}
