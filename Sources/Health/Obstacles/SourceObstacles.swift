import NodeModel

/// The codes for the directory that `driver.source` names.
extension Check {
    static let sourceUnreadable = Check(
        .sourceUnreadable,
        title: "the agent can read the directory of driver.source",
        group: .install,
        phase: .install,
        meaning:
            "The directory that `driver.source` names does not exist on the host, the agent cannot read it, or its "
            + "file system does not answer.",
        advice:
            "Mount the directory on the node, or correct [`driver.source`](offline.md). It names a directory of the "
            + "host, and not of the agent's container."
    )

    static let sourcePackageMissing = Check(
        .sourcePackageMissing,
        title: "the directory of driver.source has the driver package",
        group: .install,
        phase: .install,
        meaning: "The directory that `driver.source` names does not have the package of the driver that the agent "
            + "chose. The finding names packages that it has.",
        advice: "Download the package with [`gpu-agent catalog mirror`](offline.md), or set `driver.version` to a "
            + "driver that the directory has."
    )

    static let sourcePackageMismatch = Check(
        .sourcePackageMismatch,
        title: "the package in the directory of driver.source is the one in the catalog",
        group: .install,
        phase: .install,
        meaning: "The package in the directory that `driver.source` names does not have the size or the checksum that "
            + "the catalog gives. The agent installed nothing from it.",
        advice: "Do not install the file. Replace it with [`gpu-agent catalog mirror`](offline.md), and find out who "
            + "changed it."
    )
}
