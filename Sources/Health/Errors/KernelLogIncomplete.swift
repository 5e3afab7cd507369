package import NodeModel
import Support

extension ReasonCode {
    package static let kernelLogIncomplete = ReasonCode("kernel-log-incomplete")
}

extension Check {
    static let kernelLogIncomplete = Check(
        .kernelLogIncomplete,
        title: "the agent reads every record of the kernel log",
        group: .errors,
        phase: .use,
        meaning: "The agent cannot read the kernel log, or the kernel overwrote records before the agent read them. An "
            + "Xid can have been among them. The finding is a notice.",
        advice: "When the kernel overwrote records, look for the program that writes so many lines, or enlarge the "
            + "buffer with the kernel parameter `log_buf_len`. When the agent cannot read `/dev/kmsg`, run it as root "
            + "in a privileged container."
    ) { node in
        guard let events = node.facts.gpuEvents.value else { return nil }
        let expected = "every record since the boot"
        if let why = events.logFailure {
            let instead = events.usesNVML == true ? "; \(nvmlInstead)" : ""
            return .notice(
                why + instead,
                expected: expected,
                remedy: "Run the agent as root in a privileged container."
            )
        }
        let recent = events.gaps.filter { events.at.seconds - $0.at.seconds < GPUFaults.memory }
        guard let last = recent.last else { return nil }
        let records = recent.reduce(0) { boundedSum($0, $1.records) }
        return .notice(
            "The kernel overwrote up to \(counted(records, "record")) before the agent read them, the last ones before "
                + "\(last.at.wholeSeconds).",
            expected: expected,
            remedy: """
                An Xid can be missing. Look for a program that writes many lines to the kernel log (dmesg), or set the \
                kernel parameter log_buf_len.
                """
        )
    }
}

/// What the daemon does while the kernel log cannot be read.
private let nvmlInstead = """
    the agent uses the events of NVML instead, which report an Xid only while the agent waits for it, and nothing about \
    NVSwitches
    """
