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

    /// The contest for a GPU on a platform, as `Selection` decides it.
    package init(_ gpu: PCIFunction, platform: String?, in catalog: Catalog, policy: Policy) {
        rules = []
        let card = catalog.gpus[gpu.id]
        let subsystem = gpu.subsystem.value
        let types = catalog.vgpuTypes.values.filter { $0.key.device == gpu.id.device }
        let type = types.first { $0.key.subsystemDevice == subsystem?.device }
        let override = policy.override(for: gpu)
        if let override {
            add(
                "config gpus \(override.key)",
                true,
                "the operator's word is above all evidence: \(override.treatment.rawValue)"
            )
        }
        // An override that says what the pair says as well leaves the pair's own limits in force.
        let pairDecides = type != nil && (override == nil || override?.treatment == .vgpu)
        if let type {
            add(
                "vgpuTypes \(type.key)",
                pairDecides,
                pairDecides
                    ? "the pair is the vGPU type \(type.name); a pair is stronger than a card's id"
                    : "the configuration says otherwise"
            )
        } else if !types.isEmpty {
            let device = subsystem.map { "subsystem device \(hex($0.device, digits: 4))" } ?? "no subsystem device"
            add("vgpuTypes of device \(hex(gpu.id.device, digits: 4)) (\(types.count))", false, "none is for \(device)")
        }
        if let card {
            let board = subsystem.map { card.subsystems.contains($0) } ?? false
            add(
                "gpus \(card.id)",
                !pairDecides,
                pairDecides
                    ? "a vGPU shows the id of its card, \(card.name); the pair is stronger"
                    : "the card is \(card.name)" + (board ? ", and the subsystem is one of its boards" : "")
            )
        }
        if rules.isEmpty { add("no rule", false, "neither \(gpu.id) nor its pair is in a catalog") }
        for candidate in catalog.platforms where candidate.name == platform {
            add("platforms \(candidate.name)", true, "the machine is one of it")
        }
    }

    private mutating func add(_ name: String, _ decides: Bool, _ why: String) {
        rules.append(Rule(name: name, decides: decides, why: why))
    }
}
