package import NodeModel

/// Creates the device nodes of the loaded driver that are missing, and the links to them in `/dev/char`.
///
/// `modprobe` creates no device node of this driver, and udev neither. Without the links, systemd takes the devices from
/// the containers when it reads its configuration again (`systemctl daemon-reload`).
package struct CreateDeviceNodes: Operation {
    /// The names in `/dev` that must exist afterwards, and have a link if the host has `/dev/char`.
    package var names: [String]

    package init(names: [String]) {
        self.names = names
    }

    package var id: StepID { .deviceNodes }
    package var title: String { "create the missing device nodes and their links" }
    package var changes: String { "/dev/nvidia*, /dev/nvidia-caps and /dev/char" }
    package var deadlineSeconds: Int { 120 }
    package var effects: [Effect] {
        let script = Self.statements.joined(separator: "\n") + "\n" + Self.check
        return [.run([["sh", "-c", script, "create-device-nodes"] + names.prefix(Self.checkedNames)])]
    }
    package var failure: StepFailure {
        StepFailure(
            .deviceFilesIncomplete,
            subject: "the creation of the device nodes",
            remedy:
                "Run 'nvidia-modprobe -u -c0' on the node, and correct what it reports. Then run 'gpu-agent install'."
        )
    }
    /// The nodes go when the driver is unloaded.
    package var leaves: String? { nil }

    /// The most names that the step checks at its end.
    private static let checkedNames = 64

    /// The step of `LoadModules`, which does not fail: the next inspection finds what is missing.
    package static var command: [String] {
        ["sh", "-c", (statements + ["exit 0"]).joined(separator: "\n"), "create-device-nodes"]
    }

    /// Shell statements without quotation marks, so that a rule of udev can contain them.
    ///
    /// The driver names the minor number of each GPU, and has a file for each capability. Sources: the man page of
    /// nvidia-modprobe, and NVIDIA's user guide for MIG.
    static let statements = [
        "if command -v nvidia-modprobe >/dev/null; then nvidia-modprobe -u -c0; "
            + "if [ -d /sys/module/nvidia_modeset ]; then nvidia-modprobe -m; fi; "
            + "for file in /proc/driver/nvidia/gpus/*/information; do if [ -e $file ]; then "
            + "while read -r first second minor; do case $first$second in DeviceMinor:) nvidia-modprobe -c $minor;; "
            + "esac; done <$file; fi; done; "
            + "for file in $(find /proc/driver/nvidia/capabilities -type f 2>/dev/null); do "
            + "nvidia-modprobe -f $file; done; fi",
        "if [ -d /dev/char ]; then for node in /dev/nvidia* /dev/nvidia-caps/* /dev/nvidia-caps-imex-channels/*; do "
            + "if [ -c $node ]; then "
            + "link=/dev/char/$(printf %d:%d 0x$(stat -c %t $node) 0x$(stat -c %T $node)); "
            + "[ $link -ef $node ] || ln -sf ..${node#/dev} $link; fi; done; fi",
    ]

    /// Fails when one of the names is still missing.
    private static let check = """
        for name; do
            node=/dev/$name
            [ -c "$node" ] || { echo "$node is still missing" >&2; exit 1; }
            [ -d /dev/char ] || continue
            link=/dev/char/$(printf %d:%d "0x$(stat -c %t "$node")" "0x$(stat -c %T "$node")")
            [ "$link" -ef "$node" ] || { echo "$link does not lead to $node" >&2; exit 1; }
        done
        """
}
