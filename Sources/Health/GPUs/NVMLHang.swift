package import NodeModel

extension ReasonCode {
    package static let nvmlHang = ReasonCode("nvml-hang")
}

extension Check {
    static let nvmlHang = Check(
        .nvmlHang,
        title: "calls to NVML return",
        group: .gpus,
        phase: .use,
        dependsOn: [.driverNotLoaded],
        meaning: "A call to NVML did not return before the agent's deadline.",
        advice: "Read the kernel log and look for Xid errors. Then reboot the node."
    ) { node in
        guard node.shouldAnswer, let failure = node.nvmlHang else { return nil }
        return .failed(
            failure.detail,
            expected: "an answer within the deadline",
            remedy: "Read the kernel log (dmesg) and look for Xid errors. Then reboot the node."
        )
    }
}
