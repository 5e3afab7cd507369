import Catalog
package import NodeModel

extension ReasonCode {
    package static let nvswitchError = ReasonCode("nvswitch-error")
}

extension Check {
    static let nvswitchError = Check(
        .nvswitchError,
        title: "no NVSwitch reports a fatal error",
        group: .errors,
        phase: .use,
        meaning: "The kernel log reports an SXid that is fatal, or that does not say whether it is fatal. The finding "
            + "is a warning. After a fatal SXid, it disappears after a reboot when NVML and CUDA work. Otherwise, it "
            + "disappears after a day, too.",
        advice: "Drain the node and reboot it. If the error returns, ask the support of the machine."
    ) { node in
        let own = node.faults.ofSwitches
        guard !own.isEmpty else { return nil }
        return .warning(
            GPUFaults.text(own),
            expected: "no fatal SXid",
            remedy: "Drain the node and reboot it. If the error returns, ask the support of the machine."
        )
    }
}
