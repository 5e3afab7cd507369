import NodeModel

/// The codes of a driver from packages of the distribution.
extension Check {
    static let prebuiltModulesMissing = Check(
        .prebuiltModulesMissing,
        title: "a repository has signed kernel modules for this kernel",
        group: .selection,
        phase: .select,
        meaning:
            "`driver.source` asks for packages of the distribution with prebuilt kernel modules, and the agent found none "
            + "for the running kernel and the GPUs. Or the packages were gone from the repositories when the agent wanted "
            + "to download them: then the next attempt takes the version that is there. The agent knows such packages "
            + "of Ubuntu, and of RHEL and its rebuilds, and only for datacenter drivers.",
        advice:
            "Run `apt-get update` or `dnf makecache` on the node, or use a kernel for which the distribution has the package that the "
            + "finding names. Or set [`driver.source`](install.md#prebuilt-kernel-modules) to `auto` or `runfile`."
    )

    static let driverSourceChange = Check(
        .driverSourceChange,
        title: "the driver from packages needs no other version",
        group: .driver,
        phase: .select,
        raisedAs: .notice,
        meaning:
            "The agent installed the driver from packages of the distribution, and now the node needs another one: "
            + "another version, or another source. Or the node runs a kernel for which no repository has the modules of "
            + "this version. Or the node needs modules for another kernel, and the configuration does not allow a "
            + "connection to the repositories. The agent does not replace such a driver in place. It keeps the driver.",
        advice:
            "Run `apt-get update` or `dnf makecache` on the node, or change the configuration as the finding says. If the "
            + "finding stays, drain the node, and run `gpu-agent uninstall` and then `gpu-agent install` on it. Or "
            + "replace the node."
    )

    static let fabricPackagesFailed = Check(
        .fabricPackagesFailed,
        title: "the agent can install the fabric manager or IMEX",
        group: .install,
        phase: .install,
        meaning:
            "The agent could not install or remove the fabric manager, the NVLink subnet manager or IMEX. Or the install "
            + "would have removed or upgraded other packages, added a part of another driver, or replaced a file that the "
            + "agent did not write. The agent only adds packages and files.",
        advice: "Follow the remedy of the finding. See [install.md](install.md#fabric-manager-and-imex)."
    )

    static let driverPackagesFailed = Check(
        .driverPackagesFailed,
        title: "the agent can install the driver's packages",
        group: .install,
        phase: .install,
        meaning:
            "The package manager could not install or remove the packages of the driver, or the install would have "
            + "removed or upgraded other packages. The agent only adds packages.",
        advice: "Follow the remedy of the finding. See [install.md](install.md#prebuilt-kernel-modules)."
    )
}
