package import NodeModel

extension ReasonCode {
    package static let migLayoutLost = ReasonCode("mig-layout-lost")
}

extension Check {
    static let migLayoutLost = Check(
        .migLayoutLost,
        title: "the GPUs have the MIG layout that was recorded",
        group: .mig,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable, .migModePending, .migDevicesMissing],
        meaning:
            "`gpu-agent mig apply` made a MIG layout and recorded it, and the GPUs do not have it. After a reboot, the "
            + "daemon makes the layout again, and the node is not ready until then. In the boot of the record, somebody "
            + "changed the layout, or it was never complete. That is a warning.",
        advice: "Run `gpu-agent mig restore`, which says what is in the way. For another layout, run "
            + "`gpu-agent mig apply`. To forget the layout, remove `/var/lib/gpu-agent/mig-layout.json`."
    ) { node in
        guard let wanted = node.facts.wantedMIG.value, let others = node.facts.gpusWithoutMIGLayout else { return nil }
        let expected = "the MIG layout \(wanted.layout)"
        guard !others.isEmpty else { return .passed(expected, expected: expected) }
        let list = others.map { gpu -> String in
            guard gpu.migMode.value?.current == true else { return "\(gpu.label): MIG mode is off" }
            let devices = (gpu.migDevices.value ?? []).map(\.profile).sorted()
            return "\(gpu.label): \(devices.isEmpty ? "no MIG device" : devices.joined(separator: ", "))"
        }
        let observed =
            "These GPUs do not have the recorded MIG layout \(wanted.layout): \(list.joined(separator: "; "))"
        let remedy: Remedy = """
            Run 'gpu-agent mig restore', which says what is in the way. For another layout, run 'gpu-agent mig \
            apply'. To forget the layout, remove \(HostLayout.migLayout).
            """
        return node.facts.isMIGLayoutOfEarlierBoot
            ? .failed(observed, expected: expected, remedy: remedy)
            : .warning(observed, expected: expected, remedy: remedy)
    }
}
