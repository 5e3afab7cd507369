package import NodeModel

extension ReasonCode {
    package static let migLayoutInvalid = ReasonCode("mig-layout-invalid")
}

extension Check {
    static let migLayoutInvalid = Check(
        .migLayoutInvalid,
        title: "the MIG devices fit mig.strategy",
        group: .mig,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable, .migModePending, .migLayoutLost, .migDevicesMissing],
        // A change of the MIG configuration goes through layouts that do not fit.
        settlesWithin: .seconds(60),
        meaning: "`mig.strategy` is `single`, but MIG mode is on for some GPUs only, or the MIG devices have different "
            + "profiles. NVIDIA's device plugin refuses such a node, so pods get no GPU. The labels show "
            + "`-MIG-INVALID` and the count 0.",
        advice:
            "Turn MIG mode on for every GPU, and create the same MIG devices on each. If the GPUs need different MIG "
            + "devices, or some have no MIG mode, set `mig.strategy` to `mixed` in the configuration of the device "
            + "plugin and of the agent."
    ) { node in
        // A device plugin with another strategy takes the layout, and another finding is about the difference.
        guard node.migStrategy == .single, node.pluginStrategy ?? .single == .single else { return nil }
        let expected = "MIG devices with the same profile on every GPU"
        switch node.migLayout {
        case .uniform(_, let device, let count):
            return .passed("\(counted(count, "MIG device")) with the profile \(device.profile)", expected: expected)
        case .wholeGPUs, .unknown, nil: return nil
        case .invalid(_, let why):
            return .failed(
                "mig.strategy is single, but \(why).",
                expected: expected,
                remedy: """
                    Turn MIG mode on for every GPU, and create the same MIG devices on each. If the GPUs need \
                    different MIG devices, or some have no MIG mode, set mig.strategy to mixed in the configuration \
                    of the device plugin and of the agent.
                    """
            )
        }
    }
}
