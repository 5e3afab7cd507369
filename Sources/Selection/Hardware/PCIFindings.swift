import NodeModel

extension [Finding] {
    /// The finding about a bus or a function that the agent could not read.
    static func pciUnreadable(_ failure: ReadFailure) -> [Finding] {
        // Root rights do not help when a device does not answer or a file is broken. The library that reads the bus
        // does not tell whether access was denied.
        let remedy: Remedy =
            switch failure.reason {
            case .malformed: "Read the kernel log (dmesg) and look for this address. A GPU may have fallen off the bus."
            case .io:
                """
                Make sure that the agent runs as root with the host's root directory mounted (--host-root). \
                Then read the kernel log (dmesg) and look for errors about this file.
                """
            default: .reading(failure)
            }
        return [
            Finding(
                .pciUnreadable,
                observed: "The agent cannot read the PCI bus: \(failure.detail).",
                expected: "readable files below /sys/bus/pci",
                remedy: remedy
            )
        ]
    }

    /// The finding about a node whose GPUs all fell off the bus, with what the kernel log says about them.
    static func gpusLost(_ gpus: [PCIFunction], _ remark: String) -> [Finding] {
        [
            Finding(
                .gpuLost,
                observed:
                    "No GPU of this node answers: \(gpus.map { "\($0.address)" }.joined(separator: ", ")).\(remark)",
                expected: "a GPU that answers on the PCI bus",
                remedy: .lostGPU
            )
        ]
    }
}
