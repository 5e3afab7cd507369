package import NodeModel

extension ReasonCode {
    package static let cudaHang = ReasonCode("cuda-hang")
}

extension Check {
    static let cudaHang = Check(
        .cudaHang,
        title: "calls to CUDA return",
        group: .gpus,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .deviceNodesMissing],
        meaning: "A call to CUDA did not return before the agent's deadline.",
        advice: "Read the kernel log and look for Xid errors. Then reboot the node."
    ) { node in
        guard let failure = node.cudaReading?.failure, failure.reason == .hang else { return nil }
        return .failed(
            failure.detail,
            expected: "an answer within the deadline",
            remedy: "Read the kernel log (dmesg) and look for Xid errors. Then reboot the node."
        )
    }
}
