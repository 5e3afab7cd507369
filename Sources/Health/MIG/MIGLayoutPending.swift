package import NodeModel

extension ReasonCode {
    package static let migLayoutPending = ReasonCode("mig-layout-pending")
}

extension Check {
    static let migLayoutPending = Check(
        .migLayoutPending,
        title: "the GPUs have the MIG layout that the label of the Node names",
        group: .mig,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable, .migModePending],
        // The daemon takes some seconds to find out, after each of its starts, that the layout is there.
        settlesWithin: .seconds(60),
        meaning:
            "The label `nvidia.com/mig.config` names a layout, and the daemon follows it (`mig.configFile`). While the "
            + "daemon makes the layout for the first time after the boot, the node is not ready, because a pod that uses a GPU "
            + "prevents the layout. When the daemon cannot make it, and on a node that worked before, the finding is a "
            + "warning: the GPUs work as they are.",
        advice:
            "Do what the finding says. `gpu-agent mig plan` prints whether the layout is possible now, and what is in the "
            + "way ([mig.md](mig.md#by-a-label))."
    ) { node in
        guard let wish = node.facts.labelMIG else { return nil }
        let expected = "the MIG layout \(wish.layout), which the label \(MIGRequest.layoutKey) names"
        let why = wish.why.map { ": \($0)" } ?? ""
        switch wish.state {
        case .first:
            return .failed(
                "The daemon makes the MIG layout \(wish.layout) that the label names.",
                expected: expected,
                remedy: "Wait. The attempt takes at most five minutes."
            )
        case .making:
            return .warning(
                "The daemon makes the MIG layout \(wish.layout) that the label names, on a node that is in use.",
                expected: expected,
                remedy: "Wait. The attempt takes at most five minutes."
            )
        case .waiting:
            return .warning(
                "The MIG layout \(wish.layout) is not there yet\(why).",
                expected: expected,
                remedy: "Do what comes first. The daemon tries again every five minutes."
            )
        case .failed:
            return .warning(
                "The daemon could not make the MIG layout \(wish.layout)\(why).",
                expected: expected,
                remedy: """
                    Correct the cause, or name another layout in the label. The daemon tries again every five minutes.
                    """
            )
        }
    }
}
