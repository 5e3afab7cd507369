package import Catalog
package import NodeModel
import Support

/// The catalog entries for a GPU: which entry decides, and why each other entry does not.
package struct RuleContest: Encodable, Sendable, Equatable {
    /// A catalog entry, or several entries that do not decide for the same reason.
    package struct Rule: Encodable, Sendable, Equatable {
        /// The list and the identity of the entry, such as `vgpuTypes 2bb5:2187` or `platforms azure`.
        package var name: String
        /// Whether the entry decides.
        package var decides: Bool
        /// Why it decides or not, as a lower-case clause without a period.
        package var why: String
    }

    package var rules: [Rule]

    /// Explains a decision about a GPU.
    package init(_ gpu: PCIFunction, _ decision: Decision, in catalog: Catalog, policy: Policy) {
        rules = []
        let card = catalog.gpus[gpu.id]
        let subsystem = gpu.subsystem.value
        let types = catalog.vgpuTypes.values.filter { $0.key.device == gpu.id.device }
        let type = types.first { $0.key.subsystemDevice == subsystem?.device }
        let override = policy.override(for: gpu)
        let unsettled = decision.problems.first {
            [.evidenceConflict, .unknownVGPUType, .pciUnreadable].contains($0.code)
        }
        // An override that agrees with the evidence leaves the limits of the catalog entry in force.
        let pairDecides = unsettled == nil && type != nil && (override == nil || override?.treatment == .vgpu)
        let cardDecides =
            unsettled == nil && (override == nil ? type == nil : override?.treatment == .physical)
        if let override {
            let why = "the configuration says \(override.treatment.rawValue), which overrides all evidence"
            add("config gpus \(override.key)", true, why)
        }
        let loses =
            unsettled.map { "no catalog entry applies, because of \($0.code.rawValue)" }
            ?? "the configuration overrides this entry"
        if let type {
            let why = "the IDs are those of the vGPU type \(type.name), which takes precedence over the ID of the card"
            add("vgpuTypes \(type.key)", pairDecides, pairDecides ? why : loses)
        } else if !types.isEmpty {
            let why =
                subsystem.map { "no type has the subsystem device ID \(hex($0.device, digits: 4))" }
                ?? "the subsystem ID of the GPU is not known"
            add("vgpuTypes of device \(hex(gpu.id.device, digits: 4)) (\(types.count))", false, why)
        }
        if let card {
            let board = subsystem.map { card.subsystems.contains($0) } ?? false
            let why = "the card is \(card.name)" + (board ? ", and the subsystem ID identifies one of its boards" : "")
            let beaten = "the vGPU type takes precedence: a vGPU shows the ID of its card, \(card.name)"
            add("gpus \(card.id)", cardDecides, cardDecides ? why : pairDecides ? beaten : loses)
        }
        if rules.isEmpty {
            add("no rule", false, "the catalog has no GPU and no vGPU type with the device ID of \(gpu.id)")
        }
        for candidate in catalog.platforms where candidate.name == decision.platform {
            add("platforms \(candidate.name)", true, "the firmware matches this platform")
        }
        let others = catalog.platforms.map(\.name).filter { $0 != decision.platform }
        if !others.isEmpty {
            let why = "the firmware does not match, or a platform with more conditions matches"
            add("platforms \(others.joined(separator: ", "))", false, why)
        }
    }

    private mutating func add(_ name: String, _ decides: Bool, _ why: String) {
        rules.append(Rule(name: name, decides: decides, why: why))
    }
}
