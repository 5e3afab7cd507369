import NodeModel

extension Check {
    static let pciUnreadable = Check(
        .pciUnreadable,
        title: "the agent can identify every PCI function",
        group: .hardware,
        phase: .discover,
        raisedAs: .unknown,
        meaning: "The agent could not read the PCI bus, or it could not read a PCI function that may be a GPU. "
            + "If it could read other GPUs, the finding is a warning.",
        advice: "If the agent cannot read the whole bus, run it as root with the host's root directory mounted "
            + "(`--host-root`, `hostPID`). If it cannot read one function, read the kernel log: the GPU may have "
            + "fallen off the bus."
    ) { node in
        // On a node without a GPU for the agent, these functions block the decision, which has its own finding.
        guard !node.facts.gpus.isEmpty, !node.facts.unidentified.isEmpty else { return nil }
        let list = node.facts.unidentified.map { "\($0.address): \($0.failure.detail)" }.joined(separator: "; ")
        return .warning(
            list,
            expected: "the IDs and the class of each function",
            remedy: """
                Read the kernel log (dmesg) and look for these addresses. \
                One of them may be a GPU that fell off the bus.
                """
        )
    }
}
