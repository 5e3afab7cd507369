import NodeModel

/// The codes that the selection raises about the driver owner and the choice of a driver.
extension Check {
    static let vgpuHost = Check(
        .vgpuHost,
        title: "the node is not a vGPU host",
        group: .selection,
        phase: .select,
        meaning: "The node is a vGPU host. Its driver is the vGPU manager, and its GPUs belong to virtual machines.",
        advice: "Nothing. The agent does not change the node."
    )

    static let driverOwnedElsewhere = Check(
        .driverOwnedElsewhere,
        title: "the node's driver has no other owner",
        group: .selection,
        phase: .select,
        meaning: "The GPU Operator or GKE manages the driver of this node, or may soon install a driver.",
        advice: "Nothing. The next action says how to let this agent manage the driver."
    )

    static let ownershipUnknown = Check(
        .ownershipUnknown,
        title: "the agent knows the owner of the node's driver",
        group: .selection,
        phase: .select,
        raisedAs: .unknown,
        meaning: "The agent cannot read its Node, so it does not know whether another owner installs the driver. The "
            + "agent installs nothing. It tries again after a few seconds, and then every minute.",
        advice: "Make the API server reachable. Check its address, the token and the RBAC rules. To install without "
            + "the cluster, run `gpu-agent install` on the node, or set `cluster: none` in the configuration."
    )

    static let mixedGPUs = Check(
        .mixedGPUs,
        title: "one driver supports all GPUs",
        group: .selection,
        phase: .select,
        meaning: "No combination of driver kind and kernel module type supports all GPUs of the node.",
        advice: "Move the GPUs to different nodes, or exclude one kind of GPU with "
            + "[one line](selection.md#when-you-know-better) in the configuration."
    )

    static let noDriverFits = Check(
        .noDriverFits,
        title: "the catalog has a driver for this node",
        group: .selection,
        phase: .select,
        meaning: "No driver in the catalog fits the node's GPUs, its platform and the configuration.",
        advice: "The finding names the lines of the configuration that exclude every driver, such as "
            + "`driver.kernelModuleType: proprietary`. Change them, or add a driver to your own [catalog](catalog.md). "
            + "The list `rejected` of `gpu-agent plan -o yaml` gives the reason for each driver."
    )

    static let artifactWithoutHash = Check(
        .artifactWithoutHash,
        title: "the driver package has a checksum",
        group: .selection,
        phase: .select,
        meaning: "The agent knows which driver the node needs, but the catalog has no checksum for its package.",
        advice: "Verify the package yourself, and add its checksum to your own [catalog](catalog.md)."
    )

    static let immutableSystem = Check(
        .immutableSystem,
        title: "a driver can be installed into the operating system",
        group: .selection,
        phase: .select,
        meaning: "The operating system is immutable: its system directories are read-only. Examples are "
            + "Container-Optimized OS, Bottlerocket, Talos, Flatcar, and Azure Linux with OS Guard. The agent adopts a "
            + "driver on such a system, but it cannot install one.",
        advice: "Install a driver in the way that the operating system supports. The finding describes this way."
    )

    static let foreignDriver = Check(
        .foreignDriver,
        title: "the installed driver fits the GPUs",
        group: .driver,
        phase: .select,
        meaning: "Another owner installed a driver that does not fit the GPUs. The finding names the owner. `gpu-agent "
            + "uninstall` has the same finding about any driver of another owner.",
        advice: "Follow the remedy of the finding, or set `driver.takeover: true` "
            + "([takeover](selection.md#a-driver-is-there-already))."
    )

    static let driverInUse = Check(
        .driverInUse,
        title: "no process uses a driver that the agent replaces",
        group: .driver,
        phase: .select,
        meaning: "The configuration lets the agent replace the driver of another owner, but processes use that "
            + "driver, or the agent could not determine whether they do. About the agent's own driver, `gpu-agent uninstall` "
            + "has the same finding, and an install during which a process began to use the driver.",
        advice: "Drain the node, and stop the processes that the finding names."
    )

    static let driverChangePending = Check(
        .driverChangePending,
        title: "no driver change is pending",
        group: .driver,
        phase: .select,
        raisedAs: .notice,
        meaning: "The configuration or the catalog asks for a different driver than the one that the agent installed. "
            + "The agent does not change a driver while processes use it, or while it cannot determine whether they "
            + "do. Nothing else is wrong: the finding changes neither the verdict nor the taint.",
        advice: "Drain the node at a time that suits you. The agent then changes the driver. To keep the driver, set "
            + "`driver.version` to its version in the configuration."
    )

    static let driverUninstalled = Check(
        .driverUninstalled,
        title: "no operator uninstalled the driver",
        group: .driver,
        phase: .select,
        meaning:
            "An operator ran `gpu-agent uninstall` on this node, so the agent installs no driver. Or the uninstall "
            + "was interrupted.",
        advice: "To install the driver again, run `gpu-agent install` on the node. To finish an interrupted uninstall, "
            + "run `gpu-agent uninstall` again. See [uninstall.md](uninstall.md)."
    )
}
