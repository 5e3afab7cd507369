package import Catalog
package import NodeModel
import Support

/// Which entries of a catalog were weighed for one GPU, which of them decides, and why each other does not.
package struct RuleContest: Encodable, Sendable, Equatable {
    /// One entry, or several that lose for one reason.
    package struct Rule: Encodable, Sendable, Equatable {
        /// `vgpuTypes 2bb5:2187`, `gpus 10de:2bb5`, `platforms azure`.
        package var name: String
        package var decides: Bool
        package var why: String
    }

    package var rules: [Rule]

    /// The contest for a GPU, as the decision about it was made.
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
        // A word that says what the evidence says as well leaves the entry's own limits in force.
        let pairDecides = unsettled == nil && type != nil && (override == nil || override?.treatment == .vgpu)
        let cardDecides =
            unsettled == nil && (override == nil ? type == nil : override?.treatment == .physical)
        if let override {
            let words = "the operator's word is above all evidence: \(override.treatment.rawValue)"
            add("config gpus \(override.key)", true, words)
        }
        let loses = unsettled.map { "nothing decides: \($0.code.rawValue)" } ?? "the configuration says otherwise"
        if let type {
            let words = "the pair is the vGPU type \(type.name); a pair is stronger than a card's id"
            add("vgpuTypes \(type.key)", pairDecides, pairDecides ? words : loses)
        } else if !types.isEmpty {
            let device = subsystem.map { "subsystem device \(hex($0.device, digits: 4))" } ?? "no subsystem device"
            add("vgpuTypes of device \(hex(gpu.id.device, digits: 4)) (\(types.count))", false, "none is for \(device)")
        }
        if let card {
            let board = subsystem.map { card.subsystems.contains($0) } ?? false
            let words = "the card is \(card.name)" + (board ? ", and the subsystem is one of its boards" : "")
            let beaten = "a vGPU shows the id of its card, \(card.name); the pair is stronger"
            add("gpus \(card.id)", cardDecides, cardDecides ? words : pairDecides ? beaten : loses)
        }
        if rules.isEmpty { add("no rule", false, "neither \(gpu.id) nor its pair is in a catalog") }
        for candidate in catalog.platforms where candidate.name == decision.platform {
            add("platforms \(candidate.name)", true, "the machine is one of it")
        }
        let others = catalog.platforms.map(\.name).filter { $0 != decision.platform }
        if !others.isEmpty {
            let why = "they do not match the firmware, or ask less of it than another that does"
            add("platforms \(others.joined(separator: ", "))", false, why)
        }
    }

    private mutating func add(_ name: String, _ decides: Bool, _ why: String) {
        rules.append(Rule(name: name, decides: decides, why: why))
    }
}
