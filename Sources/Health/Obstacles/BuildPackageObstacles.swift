import NodeModel

/// The codes of an install whose packages for the build of the kernel modules cannot be installed.
extension Check {
    static let packageManagerBusy = Check(
        .packageManagerBusy,
        title: "no other process uses the package manager",
        group: .install,
        phase: .install,
        meaning:
            "Another process held a lock of the node's package manager, and the agent waited for it for 15 minutes. "
            + "On a new node, this is often `unattended-upgrades` or `cloud-init`.",
        advice: "Wait until the process that the finding names ends. If it hangs, end it. The agent tries again."
    )

    static let packageIndexFailed = Check(
        .packageIndexFailed,
        title: "the package manager has an index",
        group: .install,
        phase: .install,
        meaning:
            "The package manager of the node has no index, so the agent does not know whether the repositories have "
            + "prebuilt kernel modules. It tried to refresh the index, and no repository answered.",
        advice:
            "Make the repositories reachable from the node, or correct their list. The finding has the error of the "
            + "package manager. The agent tries again."
    )

    static let buildPackageMissing = Check(
        .buildPackageMissing,
        title: "a repository has the packages for the build",
        group: .install,
        phase: .install,
        meaning: "No repository of the node has a package that the build of the kernel modules needs. Distributions "
            + "remove the headers of old kernels from their repositories. The finding also says whether the agent could "
            + "refresh the index of the packages.",
        advice: "Use a node image with a current kernel or with the headers of its kernel, or add a repository that "
            + "has the package. Or keep the package in a directory for `driver.source`, which `gpu-agent catalog mirror "
            + "--kernel RELEASE` fills: the agent then does not ask a repository. It never uses the headers of another kernel."
    )

    static let packageFileMissing = Check(
        .packageFileMissing,
        title: "a repository has the files of its packages",
        group: .install,
        phase: .install,
        meaning:
            "The index of a repository names a package, but the server answered that it does not have the file. Mirrors "
            + "remove the file of an old version before their index is new, or while they are updated.",
        advice:
            "Run `gpu-agent install` again, which refreshes the index. If the finding stays, use another mirror, or wait "
            + "until this one is complete."
    )

    static let dkmsBuildFailed = Check(
        .dkmsBuildFailed,
        title: "DKMS builds its modules for new kernel headers",
        group: .install,
        phase: .install,
        meaning:
            "When a package with kernel headers is installed, DKMS builds all modules that it knows for this kernel. One "
            + "of them failed, so the package manager cannot configure the headers. Often, the module is left from a "
            + "driver that is not there any more. The agent does not remove a module that DKMS could build, because it "
            + "cannot know who needs it. It removes entries of NVIDIA's driver whose source is gone.",
        advice:
            "Read the log of the build, `/var/lib/dkms/MODULE/VERSION/build/make.log`. If nothing needs the module, run "
            + "`dkms remove MODULE/VERSION --all`. Otherwise, install a version of it that supports the kernel. "
            + "Then run `gpu-agent install`."
    )

    static let buildPackagesFailed = Check(
        .buildPackagesFailed,
        title: "the agent can install the packages for the build",
        group: .install,
        phase: .install,
        meaning:
            "The package manager could not install the packages that the build of the kernel modules needs, or the "
            + "install would have removed or upgraded other packages. The agent only adds packages.",
        advice: "Install the packages that the finding names on the node, or use a node image that has them. See "
            + "[install.md](install.md#packages-for-the-build)."
    )
}
