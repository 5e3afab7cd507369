import NodeModel

extension Check {
    static let nvmlHang = Check(
        .nvmlHang,
        title: "calls into NVML return",
        group: .gpus,
        phase: .use,
        dependsOn: [.driverNotLoaded],
        meaning: "A call into NVML did not return before the agent's deadline.",
        advice: "Read the kernel log: look for Xid errors. Then reboot the node."
    ) { node in
        guard node.shouldAnswer, let failure = node.nvmlReading.failure, failure.reason == .hang else { return nil }
        return .failed(
            failure.detail,
            expected: "an answer within the deadline",
            remedy: "Read the kernel log (dmesg): look for Xid errors. Then reboot the node."
        )
    }
}
