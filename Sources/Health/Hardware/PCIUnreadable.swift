import NodeModel

extension Check {
    static let pciUnreadable = Check(
        .pciUnreadable,
        title: "every PCI function can be identified",
        group: .hardware,
        phase: .discover,
        raisedAs: .unknown,
        meaning: "The agent could not read the PCI bus, or it could not read a PCI function that may be a GPU. "
            + "If it could read other GPUs, the finding is a warning.",
        advice: "For the whole bus: run the agent as root with the host's root directory mounted (`--host-root`, "
            + "`hostPID`). For one function: read the kernel log; the GPU may have fallen off the bus."
    ) { node in
        // Without a GPU these functions block the decision, which says so itself.
        guard !node.facts.gpus.isEmpty, !node.facts.unidentified.isEmpty else { return nil }
        let list = node.facts.unidentified.map { "\($0.address): \($0.failure.detail)" }.joined(separator: "; ")
        return .warning(
            list,
            expected: "the IDs and the class of each function",
            remedy: "Read the kernel log (dmesg) for these addresses: one of them may be a GPU that fell off the bus."
        )
    }
}
