import NodeModel

/// What the preflight raises: why the host cannot take a driver now.
extension Check {
    static let secureBoot = Check(
        .secureBoot,
        title: "the kernel accepts unsigned modules",
        group: .preflight,
        phase: .prepare,
        meaning: "Secure Boot is on. The kernel would refuse the modules of the driver package, which are not signed.",
        advice: "Use nodes without Secure Boot, or a node image with a signed driver."
    )

    static let nouveauLoaded = Check(
        .nouveauLoaded,
        title: "nouveau does not hold the GPUs",
        group: .preflight,
        phase: .prepare,
        meaning: "The kernel module `nouveau` is loaded and holds the GPUs.",
        advice: "Add the line `blacklist nouveau` to a file in `/etc/modprobe.d`, rebuild the initramfs and reboot the "
            + "node."
    )

    static let compilerMissing = Check(
        .compilerMissing,
        title: "the host has a C compiler",
        group: .preflight,
        phase: .prepare,
        meaning: "The host has no C compiler. The installer needs one to build the kernel modules.",
        advice: "Install gcc on the host."
    )

    static let makeMissing = Check(
        .makeMissing,
        title: "the host has make",
        group: .preflight,
        phase: .prepare,
        meaning: "The host has no make. The installer needs it to build the kernel modules.",
        advice: "Install make on the host."
    )

    static let kernelHeadersMissing = Check(
        .kernelHeadersMissing,
        title: "the host has the headers of its kernel",
        group: .preflight,
        phase: .prepare,
        meaning: "The host has no kernel headers, or only those of another kernel than the running one.",
        advice:
            "Install `linux-headers-RELEASE` (Debian, Ubuntu) or `kernel-devel-RELEASE` (Red Hat, Amazon Linux) for "
            + "the running kernel."
    )

    static let diskSpace = Check(
        .diskSpace,
        title: "the host has space for the driver",
        group: .preflight,
        phase: .prepare,
        meaning: "`/var/lib` or `/usr` has too little free space.",
        advice: "Free some space, or use nodes with larger disks."
    )
}
