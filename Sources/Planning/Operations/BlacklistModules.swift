package import NodeModel

/// Prevents the kernel from loading drivers that NVIDIA's driver cannot share the GPUs with.
package struct BlacklistModules: Operation {
    /// The names of the kernel modules.
    package var modules: [String]
    /// The version of the driver that the agent installs instead.
    package var version: String

    package init(modules: [String], version: String) {
        self.modules = modules
        self.version = version
    }

    package static func jobName(_ version: String) -> String { StepID.blacklist.jobName(for: version) }

    package var id: StepID { .blacklist }
    package var title: String { "put \(modules.joined(separator: " and ")) on a blacklist" }
    package var changes: String { "\(Self.path), and an initramfs that contains the modules" }
    package var deadlineSeconds: Int { 900 }
    package var effects: [Effect] {
        [
            .writeFile(path: Self.path, text: text),
            .job(
                Effect.Job(
                    name: Self.jobName(version),
                    command: ["sh", "-ec", Self.rebuild, "rebuild-initramfs"] + OtherGPUDriver.releasable
                )
            ),
            .forgetJobs([Self.jobName(version)]),
        ]
    }
    package var failure: StepFailure {
        StepFailure(
            .installFailed,
            subject: "the rebuild of the initramfs",
            remedy: "Make /etc/modprobe.d and /boot on the node writable, with enough free space. "
                + "Then run 'gpu-agent install'."
        )
    }
    package var inverse: (any Operation)? { RemoveBlacklist() }
    package var leaves: String? { "an initramfs that was built meanwhile still has the blacklist" }

    static let path = OwnFile.blacklist

    /// The file names all of these modules: the next kernel can bring another one than the loaded one.
    private var text: String {
        let lines = OtherGPUDriver.releasable.map { "blacklist \($0)\noptions \($0) modeset=0\n" }
        return "\(OwnFile.mark) NVIDIA's driver cannot share the GPUs with these drivers.\n" + lines.joined()
    }

    /// Builds each initramfs again when one contains a module, because it then loads the module before `/etc` is read, and
    /// when the files of one cannot be listed.
    ///
    /// Debian and Ubuntu have initramfs-tools, and most other distributions have dracut.
    private static let rebuild = """
        pattern="/($(echo "$*" | tr ' ' '|'))[.]ko"
        if command -v update-initramfs >/dev/null; then list=lsinitramfs rebuild='update-initramfs -u -k all'
        elif command -v dracut >/dev/null; then list=lsinitrd rebuild='dracut --regenerate-all --force'
        else exit 0; fi
        for image in /boot/initrd.img-* /boot/initramfs-*.img /boot/initrd-*; do
            [ -f "$image" ] || continue
            files=$($list "$image") || exec $rebuild
            if printf '%s\\n' "$files" | grep -E "$pattern"; then exec $rebuild; fi
        done
        """
}

/// Removes the agent's blacklist.
package struct RemoveBlacklist: Operation {
    package init() {}

    package var id: StepID { .removeBlacklist }
    package var title: String { "remove the blacklist" }
    package var changes: String { BlacklistModules.path }
    package var deadlineSeconds: Int { 30 }
    package var effects: [Effect] { [.run([OwnFile.removal(of: BlacklistModules.path)])] }
    package var failure: StepFailure { .uninstall }
}

/// Unloads other drivers of the GPUs.
package struct ReleaseGPUs: Operation {
    /// The names of the loaded kernel modules, each before the modules that it uses.
    package var modules: [String]

    package init(modules: [String]) {
        self.modules = modules
    }

    /// The operations that take the GPUs from other drivers.
    ///
    /// They come before the driver, because the node may need a reboot for them.
    ///
    /// - Parameters:
    ///   - modules: The loaded modules of these drivers; none when they hold no GPU.
    ///   - version: The version of the driver that the agent installs.
    ///   - journal: The journal when it is about this install; nil otherwise.
    /// - Returns: The operations, in order; none when no other driver holds a GPU.
    static func operations(_ modules: [String], version: String, journal: Journal?) -> [any Operation] {
        guard !modules.isEmpty else { return [] }
        let isOnBlacklist = journal?.finished(.blacklist) == true
        return (isOnBlacklist ? [] : [BlacklistModules(modules: modules, version: version)])
            + [ReleaseGPUs(modules: modules)]
    }

    private var names: String { modules.joined(separator: " and ") }
    package var id: StepID { .release }
    package var title: String { "unload \(names)" }
    package var changes: String { "the loaded kernel modules, and the text consoles on the GPUs" }
    package var disrupts: Bool { true }
    package var deadlineSeconds: Int { 120 }
    package var effects: [Effect] { [.run([["sh", "-ec", Self.script, "release-gpus"] + modules])] }
    package var failure: StepFailure {
        StepFailure(
            .rebootRequired,
            subject: "unloading \(names)",
            remedy:
                "Reboot the node. The agent has put \(names) on a blacklist, so the next boot does not load the driver."
        )
    }
    package var leaves: String? { "the next boot loads \(names), unless another blacklist or an initramfs prevents it" }

    /// Takes the text consoles from the frame buffers of the drivers, which would keep the modules in use, and unloads
    /// the modules.
    ///
    /// When a module stays loaded, those that were unloaded before it are loaded again: without nova_drm, nova_core shows
    /// nothing. Then, or when another frame buffer is left, the consoles get their frame buffers back.
    private static let script = """
        taken=
        for console in /sys/class/vtconsole/vtcon*; do
            [ -e "$console/name" ] && grep 'frame buffer' "$console/name" >/dev/null || continue
            [ "$(cat "$console/bind")" = 1 ] || continue
            echo 0 >"$console/bind"
            taken="$taken $console"
        done
        status=0 gone=
        for module; do
            modprobe -r "$module" || { status=$?; break; }
            gone="$module $gone"
        done
        if [ $status != 0 ]; then
            for module in $gone; do modprobe "$module" || true; done
        fi
        for console in $taken; do
            if [ $status != 0 ] || [ -n "$(ls /sys/class/graphics 2>/dev/null | grep '^fb[0-9]')" ]; then
                echo 1 >"$console/bind"
            fi
        done
        exit $status
        """
}
