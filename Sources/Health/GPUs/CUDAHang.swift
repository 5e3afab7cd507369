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
        meaning:
            "A call to CUDA did not return before the agent's deadline. Without results of the daemon, `gpu-agent status` "
            + "waits 1.5 seconds for NVML and CUDA together. When CUDA does not answer in this time, the finding only says "
            + "that the state is not known.",
        advice:
            "After `gpu-agent status`, run `gpu-agent status --fresh`, which waits half a minute for CUDA. When CUDA hangs, "
            + "read the kernel log and look for Xid errors. Then reboot the node."
    ) { node in
        let faults = [node.cudaReading?.failure] + (node.cudaReading?.value ?? []).map(\.fault)
        let late = faults.compactMap(\.self).filter(\.isWithoutAnswer)
        guard !late.isEmpty else { return nil }
        let hangs = late.filter { $0.reason == .hang }
        guard !hangs.isEmpty else {
            return .unknown(
                shortList(late.map(\.detail)),
                expected: "an answer within the deadline",
                remedy: """
                    Run 'gpu-agent status --fresh', which waits half a minute for CUDA, and longer for many devices.
                    """
            )
        }
        return .failed(
            shortList(hangs.map(\.detail)),
            expected: "an answer within the deadline",
            remedy: "Read the kernel log (dmesg) and look for Xid errors. Then reboot the node."
        )
    }
}
