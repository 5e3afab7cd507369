package import NodeModel
import Selection

extension ReasonCode {
    package static let imexNotRunning = ReasonCode("imex-not-running")
    package static let imexChannelMissing = ReasonCode("imex-channel-missing")
}

/// The checks of IMEX, on nodes whose GPUs belong to a cluster of NVLink.
///
/// CUDA works on each of these nodes without IMEX. Only memory that several nodes share needs it. So no finding makes a
/// node unusable.
extension Check {
    private static let cause =
        "The GPUs of this node belong to a cluster of NVLink with other nodes. IMEX (`nvidia-imex`) lets programs share GPU "
        + "memory between these nodes. Programs on one node do not need it."

    static let imexMissing = Check(
        .imexMissing,
        title: "a node of a cluster of NVLink has IMEX of the driver's version",
        group: .gpus,
        phase: .use,
        dependsOn: [.driverNotLoaded, .nvmlUnavailable],
        meaning: "The host has no IMEX, or one of another version than the loaded driver. \(cause)",
        advice:
            "Install the package `nvidia-imex` (or `nvidia-imex-BRANCH`) in exactly the version of the driver. Beside its "
            + "own driver, the agent installs it when a repository of the node has it. See "
            + "[install.md](install.md#fabric-manager-and-imex)."
    ) { node in
        guard let imex = IMEX(on: node) else { return nil }
        let expected = "nvidia-imex of the driver's version"
        if imex.program.path == nil, imex.program.isRunning == true {
            return .passed("nvidia-imex runs in a container", expected: expected)
        }
        let remedy = Remedy("Install the package \(imex.package) in exactly the version \(imex.driver) on the node.")
        guard imex.program.path != nil else {
            return .notice(
                "The host has no IMEX, and its GPUs belong to the cluster \(imex.cluster).",
                expected: expected,
                remedy: remedy
            )
        }
        guard let version = imex.program.version else { return .passed("nvidia-imex", expected: expected) }
        guard version != imex.driver else { return .passed(version, expected: expected) }
        return .warning(
            "IMEX has version \(version), and the loaded driver has version \(imex.driver).",
            expected: expected,
            remedy: remedy
        )
    }

    static let imexNotRunning = Check(
        .imexNotRunning,
        title: "IMEX runs on a node of a cluster of NVLink",
        group: .gpus,
        phase: .use,
        dependsOn: [.driverNotLoaded, .nvmlUnavailable, .imexMissing],
        settlesWithin: .seconds(60),
        meaning:
            "IMEX is on the host and does not run. When `/etc/nvidia-imex/nodes_config.cfg` lists no node, nobody has "
            + "set it up yet, and the finding is a notice. \(cause)",
        advice:
            "Write the addresses of all nodes of the domain into `/etc/nvidia-imex/nodes_config.cfg`, the same on each "
            + "node, and run `systemctl enable --now nvidia-imex`. The agent does not know the nodes of a domain and never "
            + "writes this file. If IMEX ends, read `journalctl -u nvidia-imex`."
    ) { node in
        guard let imex = IMEX(on: node), imex.program.path != nil, let isRunning = imex.program.isRunning else {
            return nil
        }
        let expected = "nvidia-imex that runs"
        guard !isRunning else { return .passed("nvidia-imex runs", expected: expected) }
        guard imex.fabric.imexNodes > 0 else {
            return .notice(
                "IMEX does not run, because \(FabricSurroundings.imexNodesFile) lists no node.",
                expected: expected,
                remedy: Remedy(
                    "Write the addresses of all nodes of the domain into this file, and run 'systemctl enable --now "
                        + "nvidia-imex'."
                )
            )
        }
        return .warning(
            "IMEX does not run, and \(FabricSurroundings.imexNodesFile) lists \(counted(imex.fabric.imexNodes, "node")).",
            expected: expected,
            remedy: Remedy(
                "Start IMEX, and read 'journalctl -u nvidia-imex' if it ends.",
                command: "systemctl enable --now nvidia-imex"
            )
        )
    }

    static let imexChannelMissing = Check(
        .imexChannelMissing,
        title: "a node of a cluster of NVLink has a channel of IMEX",
        group: .gpus,
        phase: .use,
        dependsOn: [.driverNotLoaded, .nvmlUnavailable, .imexMissing, .imexNotRunning],
        meaning:
            "The directory `/dev/nvidia-caps-imex-channels` has no channel. A program that shares memory with other "
            + "nodes needs one. The driver creates none by itself. On a cluster with NVIDIA's DRA driver, each workload gets "
            + "a channel of its own, and the finding does not matter. \(cause)",
        advice: "Create the channel that your workloads use, with the number that `/proc/devices` gives for "
            + "`nvidia-caps-imex-channels`: `mknod /dev/nvidia-caps-imex-channels/channel0 c NUMBER 0`. Or set the module "
            + "parameter `NVreg_CreateImexChannel0: 1` (`driver.moduleParameters`). Who may use a channel is a decision "
            + "about your users, so the agent creates none."
    ) { node in
        guard let imex = IMEX(on: node), imex.program.isRunning == true, imex.program.path != nil else { return nil }
        let expected = "a channel in \(FabricSurroundings.imexChannelDirectory)"
        guard imex.fabric.imexChannels == 0 else {
            return .passed("\(imex.fabric.imexChannels)", expected: expected)
        }
        return .notice(
            "IMEX runs, and \(FabricSurroundings.imexChannelDirectory) has no channel.",
            expected: expected,
            remedy: Remedy(
                "Create the channel that your workloads use with mknod, or set the module parameter "
                    + "NVreg_CreateImexChannel0 of nvidia to 1 (driver.moduleParameters)."
            )
        )
    }
}

/// IMEX on a node whose GPUs belong to a cluster of NVLink.
private struct IMEX {
    var program: DriverProgram
    var fabric: FabricSurroundings
    /// The UUID of the cluster.
    var cluster: String
    /// The version of the loaded driver.
    var driver: String
    /// The names that the package can have, as text.
    var package: String

    /// Nil on every other node, and when the agent cannot tell.
    init?(on node: CheckedNode) {
        guard node.decision.fabricManager?.isNeeded == false, let cluster = node.facts.fabricCluster,
            let driver = node.facts.driver.loadedVersion.value, let found = node.facts.driver.surroundings,
            let program = found.program(.imex), let fabric = found.fabric
        else { return nil }
        (self.program, self.fabric, self.cluster, self.driver) = (program, fabric, cluster, driver)
        let names = DriverVersion(driver).map { FabricPackages.names(of: .imex, branch: $0.branch) } ?? []
        package = names.joined(separator: " or ")
    }
}
