import NodeModel

/// The codes that the preflight raises when the agent cannot install a driver on the host.
extension Check {
    static let secureBoot = Check(
        .secureBoot,
        title: "the kernel accepts unsigned modules",
        group: .preflight,
        phase: .prepare,
        meaning:
            "The kernel loads only signed modules, because Secure Boot is on, the kernel is locked down, or "
            + "`module.sig_enforce` is on. The modules in the driver package are not signed, so the kernel rejects them. "
            + "The agent also reports this, and installs nothing, when it cannot find out whether the kernel loads "
            + "unsigned modules. See [install.md](install.md#secure-boot).",
        advice: "Use nodes without Secure Boot, or a node image with a signed driver. On Ubuntu, a datacenter driver "
            + "also comes with signed modules. Or let the agent sign the modules with a key of yours (`driver.signing`)."
    )

    static let nouveauLoaded = Check(
        .nouveauLoaded,
        title: "the kernel module nouveau is not loaded",
        group: .preflight,
        phase: .prepare,
        meaning:
            "The kernel module `nouveau` is loaded. NVIDIA's driver does not work together with it. Before the agent "
            + "installs its own driver, or loads that driver again, it puts nouveau on a blacklist and unloads it. It does "
            + "not do this when nouveau holds a GPU that the agent does not manage, nor for a driver of another owner.",
        advice: "Add the line `blacklist nouveau` to a file in `/etc/modprobe.d`, rebuild the initramfs, and reboot "
            + "the node."
    )

    static let foreignFile = Check(
        .foreignFile,
        title: "no file of another program is in the place of a file that the agent must write",
        group: .preflight,
        phase: .prepare,
        meaning: "Another driver holds the GPUs, so the agent must put it on a blacklist. In the place of its file for "
            + "this, `/etc/modprobe.d/gpu-agent.conf`, is a file that the agent did not write. The agent never changes "
            + "such a file, and installs nothing.",
        advice: "Move what the file has to another name in `/etc/modprobe.d`. Then run `gpu-agent install`."
    )

    /// When the agent reports a missing package and does not install it.
    private static let packages =
        "The agent reports this when it cannot or may not [install the package](install.md#packages-for-the-build)."

    static let compilerMissing = Check(
        .compilerMissing,
        title: "the host has a C compiler",
        group: .preflight,
        phase: .prepare,
        meaning: "The host has no C compiler. The installer needs one to build the kernel modules. " + Self.packages,
        advice: "Install gcc on the host: the build of the kernel modules needs it."
    )

    static let compilerMismatch = Check(
        .compilerMismatch,
        title: "the compiler supports the options that the kernel was built with",
        group: .preflight,
        phase: .prepare,
        meaning: "The C compiler of the host is older than the compiler that built the kernel (`/proc/version`). A "
            + "build of kernel modules then often fails with `unrecognized command-line option`.",
        advice: "Install the version of the compiler that the finding names, for example `gcc-12`. Make it the default "
            + "compiler, with `update-alternatives` on Debian and Ubuntu."
    )

    static let makeMissing = Check(
        .makeMissing,
        title: "the host has make",
        group: .preflight,
        phase: .prepare,
        meaning: "The host has no make. The installer needs it to build the kernel modules. " + Self.packages,
        advice: "Install make on the host: the build of the kernel modules needs it."
    )

    static let kernelHeadersMissing = Check(
        .kernelHeadersMissing,
        title: "the host has the headers of its kernel",
        group: .preflight,
        phase: .prepare,
        meaning: "The host has no kernel headers, or only the headers of another kernel. " + Self.packages,
        advice:
            "Install `linux-headers-RELEASE` (Debian, Ubuntu) or `kernel-devel-RELEASE` (Red Hat, Amazon Linux) for "
            + "the running kernel: the build of the kernel modules needs them."
    )

    static let diskSpace = Check(
        .diskSpace,
        title: "the host has space for the driver",
        group: .preflight,
        phase: .prepare,
        meaning: "A file system of the host has too little free space for the install, or became full during it. The "
            + "agent adds up the needs of all directories on the same file system. After a step that failed, it removes "
            + "the files that the step unpacked.",
        advice: "Free up space on the file system that the finding names, or use nodes with larger disks. See "
            + "[install.md](install.md#disk-space)."
    )
}
