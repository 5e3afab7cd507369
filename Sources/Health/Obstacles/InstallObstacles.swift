import NodeModel

/// The codes that the executor raises when an install fails.
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
        title: "no other process changes the host",
        group: .install,
        phase: .install,
        meaning: "Another agent or command is changing the host.",
        advice: "Wait until it ends. If it hangs, end the process that `/run/gpu-agent/lock` names."
    )

    static let jobRunning = Check(
        .jobRunning,
        title: "no job of the agent has run longer than its deadline",
        group: .install,
        phase: .install,
        meaning:
            "A job of the agent, such as NVIDIA's installer, still runs after its deadline. The agent does not end it, "
            + "because an installer that is killed can leave an incomplete driver. While the job runs, the agent changes "
            + "nothing: it does not go back to the former driver, and it starts no other job. The next install waits for "
            + "the job again, and then continues with its result.",
        advice:
            "Run the commands that the finding names on the node. They show what the job waits for, and end it if it "
            + "never ends by itself."
    )

    static let downloadFailed = Check(
        .downloadFailed,
        title: "the agent can download the driver package",
        group: .install,
        phase: .install,
        meaning: "The agent could not download the driver package.",
        advice: "Check that the node can reach the address, or use a mirror in your own [catalog](catalog.md)."
    )

    static let downloadHashMismatch = Check(
        .downloadHashMismatch,
        title: "the driver package has the right checksum",
        group: .install,
        phase: .install,
        meaning: "The checksum of the downloaded file is not the one in the catalog. The agent deleted the file.",
        advice: "Do not install the file. Compare the catalog's checksum with the one that NVIDIA publishes, and find "
            + "out which server answers at the address."
    )

    static let driverRemovalFailed = Check(
        .driverRemovalFailed,
        title: "the agent can remove the old driver",
        group: .install,
        phase: .install,
        meaning: "The agent could not remove the driver that it replaces or uninstalls.",
        advice: "Run the command that the finding names on the node, and read its output. The log of an uninstaller is "
            + "`/var/log/nvidia-uninstall.log`."
    )

    static let moduleUnloadFailed = Check(
        .moduleUnloadFailed,
        title: "the agent can unload the kernel modules",
        group: .install,
        phase: .install,
        meaning:
            "The kernel modules of the driver that the agent replaces or uninstalls are in use, so the agent could not "
            + "unload them. It also cannot list the processes of the node, so it does not know what uses the driver.",
        advice: "Drain the node, or reboot it."
    )

    static let rebootRequired = Check(
        .rebootRequired,
        title: "the node does not have to reboot",
        group: .install,
        phase: .install,
        meaning:
            "The agent could not take a driver out of the kernel. Either it is NVIDIA's driver, and no process uses it, so "
            + "another kernel module or the kernel itself holds it: the finding names the modules. Or it is a driver such as nouveau, which a display "
            + "server or a text console uses. That driver is on a blacklist (`/etc/modprobe.d/gpu-agent.conf`), so the "
            + "kernel does not load it at the next boot. After three attempts in one boot, the daemon does not try again "
            + "before the reboot, because each attempt stops the services of the driver, or takes the text consoles from "
            + "the GPUs.",
        advice:
            "Drain the node. If the finding names kernel modules, unload them with the `rmmod` command in it, and then run "
            + "the `gpu-agent` command in it. Otherwise, reboot the node. After the reboot, the daemon continues an install. Run "
            + "an uninstall again yourself. To try an install again without a reboot, run `gpu-agent install`."
    )

    static let driverServiceFailed = Check(
        .driverServiceFailed,
        title: "the services of the driver stop and start",
        group: .install,
        phase: .install,
        meaning:
            "The agent stops services such as `nvidia-persistenced` and `nvidia-fabricmanager` before it replaces a "
            + "driver, and starts them again after the install. One of them did not stop or did not start.",
        advice: "Run `systemctl status` for the service that the finding names, and repair it. Then run "
            + "`gpu-agent install`."
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
        title: "the agent can load the kernel modules",
        group: .install,
        phase: .install,
        meaning: "The agent could not load the kernel modules or create their device nodes.",
        advice: "Read the kernel log and look for lines with `NVRM`."
    )

    static let installFailed = Check(
        .installFailed,
        title: "the install succeeds",
        group: .install,
        phase: .install,
        meaning: "A step of the install failed, and no other code describes the failure. For example, the agent "
            + "could not write a file.",
        advice: "Read the finding, which names the file or the command. Correct the problem on the node."
    )

    static let buildAheadFailed = Check(
        .buildAheadFailed,
        title: "the kernel modules are built for the kernel of the next boot",
        group: .install,
        phase: .install,
        meaning: "The agent could not install the headers of a kernel that is installed and does not run yet, or could "
            + "not build the modules of its driver for it, or could not install the package with prebuilt ones. The node "
            + "works until it boots this kernel. The verdict does not change: the notice `kernel-change-pending` has the "
            + "cause.",
        advice: "Read the finding. The agent does not ask for the same package again. When you install the headers "
            + "yourself, it builds the modules. It repeats a build that failed when the headers or the compiler change, up to "
            + "five builds for a kernel. Without modules, it installs what is missing after the boot, and the node is not "
            + "ready until then."
    )

    static let uninstallFailed = Check(
        .uninstallFailed,
        title: "the uninstall succeeds",
        group: .install,
        phase: .install,
        meaning: "`gpu-agent uninstall` cannot use the journal, or a step failed and no other code describes the "
            + "failure.",
        advice: "Read the finding, which names the file and the remedy. See [uninstall.md](uninstall.md)."
    )

    static let migApplyFailed = Check(
        .migApplyFailed,
        title: "a MIG layout is made and recorded",
        group: .mig,
        phase: .use,
        meaning: "`gpu-agent mig apply` or `mig restore` could not read or write its record "
            + "`/var/lib/gpu-agent/mig-layout.json`.",
        advice: "Read the finding, which names the file. See [mig.md](mig.md)."
    )
}
