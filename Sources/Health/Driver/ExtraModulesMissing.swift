package import NodeModel
import Support

extension ReasonCode {
    package static let extraModulesMissing = ReasonCode("extra-modules-missing")
}

extension Check {
    static let extraModulesMissing = Check(
        .extraModulesMissing,
        title: "the kernel modules that use the driver are loaded again",
        group: .driver,
        phase: .load,
        dependsOn: [.driverMissing, .driverNotLoaded],
        raisedAs: .notice,
        meaning:
            "Before the agent replaced the driver, it unloaded kernel modules that use it, such as `nvidia_peermem` for "
            + "GPUDirect RDMA or `gdrdrv`. It could not load all of them again: `gdrdrv` must be built for each version, and "
            + "`nvidia_peermem` needs a kernel with peer memory. `nvidia_drm` does not count, because the agent installs its drivers without it. The GPUs work, "
            + "so the finding is a notice.",
        advice:
            "If programs on the node need the module, build or install it for the new driver, and run `modprobe` on the "
            + "node. The finding ends with the next boot."
    ) { node in
        let driver = node.facts.driver
        let missing = driver.missingUsers
        guard driver.isLoaded, !missing.isEmpty else { return nil }
        return .notice(
            "The install unloaded these kernel modules, and they are not loaded now: \(shortList(missing)).",
            expected: "the kernel modules that were loaded before the install",
            remedy: Remedy(
                "If a program needs them, build or install them for the driver of this node, and run 'modprobe -a "
                    + "\(missing.joined(separator: " "))' on the node."
            )
        )
    }
}
