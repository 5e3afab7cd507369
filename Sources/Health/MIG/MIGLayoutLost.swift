package import NodeModel

extension ReasonCode {
    package static let migLayoutLost = ReasonCode("mig-layout-lost")
}

extension Check {
    static let migLayoutLost = Check(
        .migLayoutLost,
        title: "the GPUs have the MIG layouts that were recorded",
        group: .mig,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable, .migModePending],
        meaning:
            "`gpu-agent mig apply` recorded a MIG layout, and a GPU does not have it. After a reboot, and after the "
            + "driver was loaded again, the daemon makes the layout, and the node is not ready until then. It is a "
            + "warning when nothing loaded the driver again: somebody changed the layout, or it was never complete. It "
            + "is also a warning when a step of `mig apply` had failed, and the daemon could not make the layout either.",
        advice: "Run `gpu-agent mig restore`, which says what is in the way. For another layout, run "
            + "`gpu-agent mig apply`. To forget all recorded layouts, remove `/var/lib/gpu-agent/mig-layout.json`."
    ) { node in
        guard let comparison = node.facts.migComparison else { return nil }
        let differences = comparison.differences
        let expected = "the recorded MIG layout of each GPU"
        guard !differences.isEmpty else {
            return comparison.isIncomplete ? nil : .passed(expected, expected: expected)
        }
        let list = differences.map(\.text).joined(separator: "; ")
        let observed = "These GPUs do not have their recorded MIG layout: \(list)"
        if node.restoresMIG, !comparison.restorable.isEmpty {
            return .failed(observed, expected: expected, remedy: "Wait. The daemon makes the MIG layout now.")
        }
        let remedy: Remedy = """
            Run 'gpu-agent mig restore', which says what is in the way. For another layout, run 'gpu-agent mig \
            apply'. To forget all recorded layouts, remove \(HostLayout.migLayout).
            """
        return differences.contains { $0.isLost && !$0.goal.isFailed }
            ? .failed(observed, expected: expected, remedy: remedy)
            : .warning(observed, expected: expected, remedy: remedy)
    }
}

extension MIGComparison.Difference {
    /// The difference for people, with the name of the layout: `GPU 0: no MIG device (training)`.
    fileprivate var text: String {
        guard gpu.migMode.value?.current == true else { return "\(gpu.label): MIG mode is off (\(goal.layout))" }
        let devices = (gpu.migDevices.value ?? []).map(\.profile).sorted()
        return "\(gpu.label): \(devices.isEmpty ? "no MIG device" : devices.joined(separator: ", ")) (\(goal.layout))"
    }
}
