package import NodeModel

extension ReasonCode {
    package static let devicePluginStrategy = ReasonCode("device-plugin-strategy")
}

extension Check {
    static let devicePluginStrategy = Check(
        .devicePluginStrategy,
        title: "the device plugin has the MIG strategy of the agent",
        group: .mig,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable],
        // An update of the plugin can run the old and the new one for a moment.
        settlesWithin: .seconds(120),
        meaning:
            "MIG mode is on, and NVIDIA's device plugin on this node runs with another MIG strategy than `mig.strategy` in "
            + "the configuration of the agent. The `nvidia.com/` labels then promise other devices than pods can ask for. "
            + "The GPUs work, so the finding is a warning. The agent reads the strategy from the arguments, the "
            + "environment and the configuration file of the plugin's process, in this order.",
        advice:
            "Set `mig.strategy` in the configuration of the agent and the strategy of the device plugin to the same value. "
            + "The finding names the setting of the plugin."
    ) { node in
        guard !node.gpusWithMIG.isEmpty, let plugin = node.facts.devicePlugin,
            let processes = plugin.processes.value, let process = processes.first
        else { return nil }
        let ours = node.migStrategy.rawValue
        let expected = "a device plugin with the MIG strategy \(ours)"
        if let failure = processes.lazy.compactMap(\.strategy.failure).first {
            return .notice(
                "The agent cannot read the MIG strategy of the device plugin: \(failure.detail)",
                expected: expected,
                remedy: "Compare mig.strategy of the agent with the configuration of the device plugin."
            )
        }
        guard let real = plugin.strategy else {
            let list = processes.map { "\($0.strategy.value?.rawValue ?? "not known") (process \($0.pid))" }
            return .warning(
                "Device plugins with different MIG strategies run on this node: \(list.joined(separator: ", ")).",
                expected: expected,
                remedy: "Remove one of the device plugins from this node."
            )
        }
        // The plugin then offers no MIG device at all, and another finding says so.
        guard real != .none || node.migStrategy == .none else { return nil }
        guard real != node.migStrategy else {
            return .passed("\(real.rawValue), from \(process.setting(plugin))", expected: expected)
        }
        return .warning(
            """
            The device plugin runs with the MIG strategy \(real.rawValue), and mig.strategy of the agent is \(ours). \
            So the labels name other devices than pods can ask for.
            """,
            expected: expected,
            remedy: Remedy(
                "Set mig.strategy in the configuration of the agent to \(real.rawValue). Or change the device plugin: "
                    + "its strategy comes from \(process.setting(plugin))."
            )
        )
    }
}

extension CheckedNode {
    /// The MIG strategy with which the device plugin runs; nil when it is not known.
    var pluginStrategy: MIGStrategy? { facts.devicePlugin?.strategy }
}

extension DevicePluginProcess {
    /// Where the strategy of the process comes from, for people.
    func setting(_ plugin: DevicePluginFacts) -> String {
        switch source {
        case .argument: "its argument --mig-strategy"
        case .environment: "its environment variable MIG_STRATEGY"
        case .preset: "its own default, because nothing else names one (--mig-strategy)"
        case .file:
            "flags.migStrategy in its file \(configFile ?? "")"
                + (plugin.configLabel.value.map { ", which the label \(OfferedDevices.configKey)=\($0) selects" } ?? "")
        }
    }
}
