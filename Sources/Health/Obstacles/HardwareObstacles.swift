import NodeModel

/// The codes that the selection raises about the host and its GPUs.
extension Check {
    static let hostUnreadable = Check(
        .hostUnreadable,
        title: "the agent can read the host",
        group: .hardware,
        phase: .discover,
        raisedAs: .unknown,
        meaning: "The agent could not read the host's architecture, kernel release or firmware tables.",
        advice:
            "If access was denied, run the agent as root with the host's root directory mounted. Otherwise, read the "
            + "kernel log and look for errors about the file that the finding names."
    )

    static let noGPU = Check(
        .noGPU,
        title: "the node has an NVIDIA GPU",
        group: .hardware,
        phase: .discover,
        meaning: "The PCI bus has no NVIDIA GPU, or none that containers on this node can use.",
        advice: "Nothing. If you expect a GPU, run `lspci -d 10de:` on the node."
    )

    static let unknownGPU = Check(
        .unknownGPU,
        title: "every GPU is in the catalog",
        group: .hardware,
        phase: .discover,
        meaning: "The catalog does not contain the PCI IDs of a GPU. The agent installs nothing on unknown hardware.",
        advice: "Use a newer agent, add the GPU to your own [catalog](catalog.md), or allow the GPU: add "
            + "[one line](selection.md#when-you-know-better) to the configuration."
    )

    static let unknownVGPUType = Check(
        .unknownVGPUType,
        title: "every vGPU type is in the catalog",
        group: .hardware,
        phase: .discover,
        meaning: "The card is in the catalog, but the type of this vGPU is not.",
        advice: "Use a newer agent, add the type to your own [catalog](catalog.md), or allow the vGPU: "
            + "add [one line](selection.md#when-you-know-better) to the configuration."
    )

    static let evidenceConflict = Check(
        .evidenceConflict,
        title: "the evidence about each GPU agrees",
        group: .hardware,
        phase: .discover,
        meaning: "One source says that a GPU is a vGPU, and another says that it is a physical GPU. The agent does not "
            + "guess, so it installs nothing.",
        advice: "Find out what the GPU is, and add [one line](selection.md#when-you-know-better) to the configuration."
    )
}
