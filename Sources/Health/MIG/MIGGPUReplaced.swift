package import NodeModel

extension ReasonCode {
    package static let migGPUReplaced = ReasonCode("mig-gpu-replaced")
}

extension Check {
    static let migGPUReplaced = Check(
        .migGPUReplaced,
        title: "each GPU with a recorded MIG layout is in the node",
        group: .mig,
        phase: .use,
        dependsOn: [.gpuLost, .nvmlUnavailable, .gpuCount, .gpuUnreadable],
        meaning:
            "`gpu-agent mig apply` recorded a MIG layout for a GPU that is not in the node. The record knows a GPU by its "
            + "UUID, so a GPU that replaced it gets no layout.",
        advice: "Run `gpu-agent mig apply` for the new GPU, which replaces the record. If no GPU replaced the old one, "
            + "remove `/var/lib/gpu-agent/mig-layout.json`, and run `gpu-agent mig apply` for the others, which records "
            + "their layouts again."
    ) { node in
        guard let comparison = node.facts.migComparison else { return nil }
        guard !comparison.missing.isEmpty else { return nil }
        let list = comparison.missing.map { missing in
            let place = missing.successor?.uuid.value.map { "where \($0) is now" } ?? "where no other GPU is"
            return "\(missing.goal.uuid) at \(missing.goal.pciAddress), \(place) (\(missing.goal.layout))"
        }
        let isReplaced = comparison.missing.contains { $0.successor != nil }
        return .warning(
            "A MIG layout is recorded for GPUs that are not in the node: \(list.joined(separator: "; "))",
            expected: "the GPUs of the recorded MIG layouts",
            remedy: isReplaced
                ? "Run 'gpu-agent mig apply' for the new GPU. Until then, it gets no MIG layout."
                : """
                Put the GPU back. If it is gone on purpose, remove \(HostLayout.migLayout), and run 'gpu-agent mig \
                apply' for the other GPUs.
                """
        )
    }
}
