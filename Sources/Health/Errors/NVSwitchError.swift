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
        meaning: "The kernel log reports an SXid. The catalog has a class for each SXid, from NVIDIA's guide of the "
            + "fabric manager. An unknown SXid deserves attention, and a reboot when its line says that it is fatal. "
            + "The finding is a warning. When the SXid needs a reboot, it disappears after one, when NVML and CUDA "
            + "work. When it only deserves attention, it disappears after a reboot or a day. SXids of the class "
            + "`ignore` cause no finding. To change the class of an SXid, write a "
            + "[catalog of your own](catalog.md#sxids-errors-of-nvswitches).",
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
