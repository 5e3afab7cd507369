import Catalog
package import NodeModel

extension ReasonCode {
    package static let xidHardware = ReasonCode("xid-hardware")
    package static let xidReboot = ReasonCode("xid-reboot")
    package static let xidGPUReset = ReasonCode("xid-gpu-reset")
    package static let xidWatch = ReasonCode("xid-watch")
    package static let xidApplication = ReasonCode("xid-application")

    /// The codes of the errors after which a GPU must not be used.
    static let severeErrors: Set<ReasonCode> = [
        .xidHardware, .xidReboot, .xidGPUReset, .gpuRecoveryPending, .gpuMemoryDamaged,
    ]
}

extension Check {
    private static let severe =
        "If other GPUs of the node have no such error, the finding is a warning, and the others can be used. "

    static let xidHardware = Check(
        .xidHardware,
        title: "no GPU has an error that a person must examine",
        group: .errors,
        phase: .use,
        meaning: "The kernel log reports an Xid of the class `hardware`. " + severe
            + "Neither a reboot nor a new agent ends it.",
        advice: "Examine the GPU, its power cables and its seat, or replace it. Then run "
            + "`gpu-agent health clear GPU --reason TEXT` on the node."
    ) { node in
        node.faults.severe(
            .hardware,
            on: node,
            expected: "no Xid of the class hardware",
            remedy: """
                Stop using this GPU. Examine the GPU, its power cables and its seat, or replace it. \
                Then run 'gpu-agent health clear GPU --reason TEXT' with its address.
                """
        )
    }

    static let xidReboot = Check(
        .xidReboot,
        title: "no GPU has an error that needs a reboot",
        group: .errors,
        phase: .use,
        meaning: "The kernel log reports an Xid of the class `reboot`, or a GPU that fell off the bus. " + severe
            + "After a reboot, the finding disappears when the GPU answers on the bus, NVML reads it and CUDA works.",
        advice: "Drain the node and reboot it. If the error returns, examine the GPU or replace it."
    ) { node in
        node.faults.severe(
            .reboot,
            on: node,
            expected: "no Xid of the class reboot",
            remedy: "Drain the node and reboot it. If the error returns, examine the GPU or replace it."
        )
    }

    static let xidGPUReset = Check(
        .xidGPUReset,
        title: "no GPU has an error that needs a reset",
        group: .errors,
        phase: .use,
        meaning: "The kernel log reports an Xid of the class `gpu-reset`. " + severe
            + "After a reset of the GPU, a load of the driver or a reboot, the finding disappears when the GPU answers "
            + "on the bus, NVML reads it and CUDA works. The agent sees a reset when the driver withdraws its recovery "
            + "action (Xid 154), or when the kernel finds the GPU on the bus again.",
        advice: "Stop the programs that use the GPU, and run `nvidia-smi --gpu-reset -i ADDRESS` on the node. If "
            + "nothing shows the agent that the GPU was reset, run `gpu-agent health clear GPU --reason TEXT`. A "
            + "reboot helps, too."
    ) { node in
        node.faults.severe(
            .gpuReset,
            on: node,
            expected: "no Xid of the class gpu-reset",
            remedy: """
                Stop the programs that use the GPU, and run 'nvidia-smi --gpu-reset -i ADDRESS'. If the finding stays, \
                run 'gpu-agent health clear GPU --reason TEXT'. Or drain the node and reboot it.
                """
        )
    }

    static let xidWatch = Check(
        .xidWatch,
        title: "no GPU has an error that deserves attention",
        group: .errors,
        phase: .use,
        meaning: "The kernel log reports an Xid of the class `watch`, or an Xid that the catalog does not know. The "
            + "finding disappears after a day without this Xid, and after a reboot.",
        advice: "`gpu-agent health` says what is known about the Xid. If the Xid is known to be harmless on your "
            + "nodes, give it another class in a [catalog of your own](catalog.md#xids-errors-of-the-driver)."
    ) { node in
        let own = node.faults.of(.watch)
        guard !own.isEmpty else { return nil }
        return .warning(
            GPUFaults.text(own),
            expected: "no Xid of the class watch",
            remedy: "Run 'gpu-agent health' on the node: it says what is known about the Xid."
        )
    }

    static let xidApplication = Check(
        .xidApplication,
        title: "no program caused an error of a GPU",
        group: .errors,
        phase: .use,
        meaning: "The kernel log reports an Xid of the class `application`: a program failed, and the GPU works. The "
            + "finding is a notice, and disappears after a day without this Xid, and after a reboot.",
        advice: "Look at the program. The kernel log names its process ID."
    ) { node in
        let own = node.faults.of(.application)
        guard !own.isEmpty else { return nil }
        return .notice(
            GPUFaults.text(own),
            expected: "no Xid of the class application",
            remedy: "Look at the program that used the GPU. The GPU itself works."
        )
    }
}
