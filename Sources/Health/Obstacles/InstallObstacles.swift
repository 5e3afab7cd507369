import NodeModel

/// What the executor of an install raises: why it failed.
extension Check {
    static let hostUnreachable = Check(
        .hostUnreachable,
        title: "the agent can reach the host",
        group: .install,
        phase: .install,
        meaning: "The agent cannot open the host's root directory, or it cannot run commands on the host.",
        advice: "Set `hostPID: true` and `privileged: true` for the pod."
    )

    static let hostLocked = Check(
        .hostLocked,
        title: "nobody else changes the host",
        group: .install,
        phase: .install,
        meaning: "Another agent or command is changing the host.",
        advice: "Wait until it ends. If it hangs, end it: `/run/gpu-agent/lock` names the process."
    )

    static let downloadFailed = Check(
        .downloadFailed,
        title: "the driver package can be downloaded",
        group: .install,
        phase: .install,
        meaning: "The agent could not download the driver package.",
        advice: "Check that the node reaches the address, or name a mirror in a [catalog](catalog.md) of your own."
    )

    static let downloadHashMismatch = Check(
        .downloadHashMismatch,
        title: "the driver package has the right checksum",
        group: .install,
        phase: .install,
        meaning: "The downloaded file is not the package of the catalog: its checksum differs. The agent deleted it.",
        advice: "Do not install the file. Compare the catalog's checksum with the one that NVIDIA publishes, and find "
            + "out which server answers at the address."
    )

    static let driverRemovalFailed = Check(
        .driverRemovalFailed,
        title: "the driver to be replaced can be removed",
        group: .install,
        phase: .install,
        meaning: "The agent could not remove the driver that it replaces.",
        advice: "Run the command that the finding names on the node, and read its output."
    )

    static let moduleUnloadFailed = Check(
        .moduleUnloadFailed,
        title: "the old kernel modules can be unloaded",
        group: .install,
        phase: .install,
        meaning: "The old kernel modules are in use. The agent does not force them out.",
        advice: "Drain the node, or reboot it."
    )

    static let installerFailed = Check(
        .installerFailed,
        title: "NVIDIA's installer succeeds",
        group: .install,
        phase: .install,
        meaning: "NVIDIA's installer ended with an error.",
        advice: "Read `/var/log/gpu-agent/nvidia-installer.log` on the node."
    )

    static let moduleLoadFailed = Check(
        .moduleLoadFailed,
        title: "the kernel modules can be loaded",
        group: .install,
        phase: .install,
        meaning: "The agent could not load the kernel modules or create their device nodes.",
        advice: "Read the kernel log: look for lines with `NVRM`."
    )

    static let installFailed = Check(
        .installFailed,
        title: "the install succeeds",
        group: .install,
        phase: .install,
        meaning: "A step of the install failed in a way that no other code describes: for example, the agent could not "
            + "write a file.",
        advice: "The finding names the file or the command. Correct its problem on the node."
    )
}
