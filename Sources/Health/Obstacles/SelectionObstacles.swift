import NodeModel

/// What the selection raises about the owner of the node's driver and about the choice of a driver.
extension Check {
    static let vgpuHost = Check(
        .vgpuHost,
        title: "the node is not a vGPU host",
        group: .selection,
        phase: .select,
        meaning: "The node is a vGPU host: its GPUs serve virtual machines, and its driver is the vGPU manager.",
        advice: "Nothing. The agent leaves the node alone."
    )

    static let driverOwnedElsewhere = Check(
        .driverOwnedElsewhere,
        title: "nobody else manages the node's driver",
        group: .selection,
        phase: .select,
        meaning: "The GPU Operator or GKE manages the driver of this node, or may install one soon.",
        advice: "Nothing. The next action says how to let this agent manage the driver instead."
    )

    static let ownershipUnknown = Check(
        .ownershipUnknown,
        title: "the agent knows who manages the node's driver",
        group: .selection,
        phase: .select,
        raisedAs: .unknown,
        meaning: "The agent cannot read its Node, so it does not know whether somebody else installs the driver. It "
            + "installs nothing. It tries again after a few seconds, and then every minute.",
        advice: "Make the API server reachable: check its address, the token and the RBAC rules. To install without "
            + "the cluster, run `gpu-agent install` on the node, or set `cluster: none` in the configuration."
    )

    static let mixedGPUs = Check(
        .mixedGPUs,
        title: "one driver can run all GPUs",
        group: .selection,
        phase: .select,
        meaning: "No driver kind and kernel module type can run all GPUs of the node.",
        advice: "Move the GPUs to different nodes, or exclude one kind of GPU with "
            + "[one line](selection.md#when-you-know-better) in the configuration."
    )

    static let noDriverFits = Check(
        .noDriverFits,
        title: "the catalog has a driver for this node",
        group: .selection,
        phase: .select,
        meaning: "No driver in the catalog fits the node's GPUs, its platform and the configuration.",
        advice: "Run `gpu-agent plan -o yaml`: the list `rejected` gives the reason for each driver. Then add a driver "
            + "to a [catalog](catalog.md) of your own, or relax the configuration."
    )

    static let artifactWithoutHash = Check(
        .artifactWithoutHash,
        title: "the driver package has a checksum",
        group: .selection,
        phase: .select,
        meaning: "The agent knows which driver the node needs, but the catalog has no checksum for its package.",
        advice: "Verify the package yourself, and add its checksum to a [catalog](catalog.md) of your own."
    )

    static let foreignDriver = Check(
        .foreignDriver,
        title: "the installed driver fits the GPUs",
        group: .driver,
        phase: .select,
        meaning: "Somebody else installed a driver that does not fit the GPUs. The finding names the owner.",
        advice: "Follow the remedy of the finding, or set `driver.takeover: true` "
            + "([what that does](selection.md#a-driver-is-there-already))."
    )

    static let driverInUse = Check(
        .driverInUse,
        title: "nothing uses the driver to be replaced",
        group: .driver,
        phase: .select,
        meaning: "The configuration lets the agent replace somebody else's driver, but processes use that driver, or "
            + "the agent could not tell.",
        advice: "Drain the node, and stop the processes that the finding names."
    )
}
