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
        meaning:
            "A call to NVML did not return before the agent's deadline. The finding names the call, the GPU, and the state of "
            + "the process that made the call. A process in state `D` waits in the driver and cannot be killed. The agent "
            + "leaves it behind, and counts it in the metric `gpu_agent_abandoned_processes`. While the host has eight "
            + "such processes, no agent on it calls NVIDIA's libraries. `gpu-agent status` waits little more than a second for NVML. "
            + "When it gets no answer in this time, the finding only says that the state is not known.",
        advice:
            "After `gpu-agent status`, run `gpu-agent status --fresh`, which waits up to a minute. When NVML hangs, read "
            + "the kernel log and look for Xid errors. Then reboot the node."
    ) { node in
        guard node.shouldAnswer, let failure = node.nvmlHang else { return nil }
        guard failure.reason != .slow else {
            return .unknown(
                failure.detail,
                expected: "an answer within the deadline",
                remedy: """
                    Run 'gpu-agent status --fresh', which waits up to a minute. Without persistence mode, NVML can need \
                    seconds for each GPU.
                    """
            )
        }
        return .failed(
            failure.detail,
            expected: "an answer within the deadline",
            remedy: "Read the kernel log (dmesg) and look for Xid errors. Then reboot the node."
        )
    }
}
