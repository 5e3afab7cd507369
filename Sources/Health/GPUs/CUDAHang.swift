package import NodeModel
import Support

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
        let faults = [node.cudaReading?.failure] + (node.cudaReading?.value ?? []).map(\.fault)
        let hangs = faults.compactMap(\.self).filter { $0.reason == .hang }
        guard !hangs.isEmpty else { return nil }
        return .failed(
            shortList(hangs.map(\.detail)),
            expected: "an answer within the deadline",
            remedy: "Read the kernel log (dmesg) and look for Xid errors. Then reboot the node."
        )
    }
}
