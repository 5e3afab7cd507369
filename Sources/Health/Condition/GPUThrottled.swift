package import NodeModel

extension ReasonCode {
    package static let gpuThrottled = ReasonCode("gpu-throttled")
}

extension Check {
    static let gpuThrottled = Check(
        .gpuThrottled,
        title: "no GPU is slowed down by heat or by its power supply",
        group: .errors,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable],
        meaning:
            "A GPU lowers its clocks because it is too hot, or because the power supply asks for it (power brake). "
            + "Its programs are slow. The finding is a notice, because it comes and goes with the load. The software "
            + "power cap is not a finding: a GPU under full load works at its power limit.",
        advice:
            "For heat, check the fans, the air flow and the temperature of the room. For the power brake, check the "
            + "power supplies and their cables."
    ) { node in
        let signs = GPUSigns(of: node) { gpu in
            guard case .names(let reasons) = gpu.traits[.clockEventReasons].value else { return nil }
            return gpu.isIdle == true ? [] : problems(reasons)
        }
        return signs.outcome(
            .notice,
            expected: "no slowdown by the hardware or by heat",
            remedy: """
                Check the fans, the air flow and the temperature of the room, and for the power brake the power supplies \
                and their cables.
                """
        )
    }

    /// The bit `hw-slowdown` comes with the other two of the hardware, and alone when something else asks for it.
    private static func problems(_ reasons: [String]) -> [String] {
        let found = causes.filter { reasons.contains($0.name) }.map(\.text)
        return found.isEmpty && reasons.contains("hw-slowdown") ? ["slowed down by its hardware"] : found
    }

    private static let causes = [
        (name: "hw-thermal-slowdown", text: "slowed down by its hardware because of heat"),
        (name: "sw-thermal-slowdown", text: "slowed down by the driver because of heat"),
        (name: "hw-power-brake", text: "slowed down by the power supply"),
    ]
}

extension GPUFacts {
    /// Whether the clocks are low because the GPU has nothing to do.
    ///
    /// Nil when NVML does not tell.
    var isIdle: Bool? {
        guard case .names(let reasons) = traits[.clockEventReasons].value else { return nil }
        return reasons.contains("gpu-idle")
    }
}
