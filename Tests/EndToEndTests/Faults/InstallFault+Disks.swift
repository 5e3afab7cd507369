import TestSupport

extension InstallFault {
    /// The settings of a download that takes two seconds.
    private static let slowDownload = ["--bytes-per-second", "500000"]
    private static let state = "/var/lib/gpu-agent"
    private static let healState: @Sendable (FaultyNode) async throws -> Void = { node in
        try await node.shell("rm -f \(state)/filler /usr/local/bin/cc")
    }

    /// File systems that are full, read-only, or mounted without the right to run programs.
    static let disks: [InstallFault] = [
        InstallFault(
            name: "small file systems",
            settings: ["nouveau=yes"],
            inject: { node in
                try await node.mount(state, "size=4m")
                try await node.makeInitramfs(size: "3m")
            },
            heal: { node in
                try await node.shell("mount -o remount,size=16m \(state); mount -o remount,size=16m /boot")
            },
            code: "disk-space",
            says: "/boot has 1 MiB of free space."
        ),
        InstallFault(
            name: "a file system that fills up during the download",
            server: slowDownload,
            inject: { try await $0.mount(state, "size=12m") },
            during: { node in
                try await node.awaitDownload()
                try await node.fill(state)
            },
            heal: healState,
            code: "disk-space",
            says: "no space left on the device for \(FaultyNode.package)"
        ),
        InstallFault(
            name: "a file system that is full when the package is unpacked",
            server: slowDownload,
            inject: { try await $0.mount(state, "size=12m") },
            during: { node in
                try await node.awaitDownload()
                try await node.fill(state, leaving: try node.servedPackage().count - node.received() + 300_000)
            },
            heal: healState,
            code: "disk-space",
            says: "the installer exited with status 1: ",
            leaves: [.package, .job]
        ),
        InstallFault(
            name: "a file system that is full when the modules are built",
            inject: { node in
                try await node.mount(state, "size=12m")
                try await node.wrapCompiler("dd if=/dev/zero of=\(state)/filler bs=4k 2>/dev/null")
            },
            heal: healState,
            code: "disk-space",
            says: "No space left on device",
            leaves: [.package, .job, .installerLog]
        ),
        InstallFault(
            name: "a root file system that is full when the driver is installed",
            settings: ["disk=64", "installer-slow=1"],
            during: { node in
                try await until("the modules are built") {
                    node.node.text("/var/log/gpu-agent/nvidia-installer.log")?.contains("compilation complete") == true
                }
                try await node.fill("/usr")
            },
            heal: { try await $0.shell("rm -f /usr/filler") },
            code: "disk-space",
            says: "the installer ",
            leaves: [.package, .job, .installerLog, .driver]
        ),
        InstallFault(
            name: "a file system that is full when the initramfs is built",
            settings: ["nouveau=yes"],
            inject: { try await $0.makeInitramfs(size: "8m", growth: 8_000_000) },
            heal: { try await $0.shell("mount -o remount,size=32m /boot") },
            code: "disk-space",
            says: "the rebuild of the initramfs exited with status 1: ",
            leaves: [.job, .blacklist]
        ),
        InstallFault(
            name: "a read-only /usr",
            inject: { try await $0.shell("mount --bind /usr /usr; mount -o remount,bind,ro /usr") },
            heal: { try await $0.shell("umount -l /usr") },
            code: "immutable-system",
            says: "read-only"
        ),
        InstallFault(
            name: "a /tmp in which no program can run",
            inject: { try await $0.shell("mount -o remount,noexec /tmp") },
            code: nil,
            says: "ready: "
        ),
        InstallFault(
            name: "a /var/lib in which no program can run",
            inject: { try await $0.mount(state, "size=64m,noexec") },
            code: nil,
            says: "ready: "
        ),
    ]
}

extension FaultyNode {
    /// Puts a script before the compiler, which runs it when it compiles a file.
    fileprivate func wrapCompiler(_ script: String) async throws {
        let text = "#!/bin/sh\ncase \" $* \" in *\" -c \"*) \(script) ;; esac\nexec /usr/bin/cc \"$@\"\n"
        try await node.run([
            "sh", "-ec", "printf '%s' \"$1\" >/usr/local/bin/cc; chmod 755 /usr/local/bin/cc", "sh", text,
        ])
    }

    /// Mounts a small `/boot` with an initramfs of two MiB that has nouveau.
    ///
    /// The machine of the tests has no initramfs. The programs here write a file of the size of a new one, in the way
    /// of initramfs-tools: they write a new file, and rename it when it is complete.
    fileprivate func makeInitramfs(size: String, growth: Int = 0) async throws {
        try await shell(
            """
            mount -t tmpfs -o mode=755,size=\(size) boot /boot
            head -c 2000000 /dev/zero >/boot/initrd.img-1
            cat >/usr/local/sbin/lsinitramfs <<'END'
            #!/bin/sh
            echo usr/lib/modules/1/kernel/drivers/gpu/drm/nouveau/nouveau.ko
            END
            cat >/usr/local/sbin/update-initramfs <<'END'
            #!/bin/sh
            head -c \(2_000_000 + growth) /dev/zero >/boot/initrd.img-1.new && exec mv /boot/initrd.img-1.new /boot/initrd.img-1
            rm -f /boot/initrd.img-1.new
            echo 'update-initramfs: failed for /boot/initrd.img-1 with 1.' >&2
            exit 1
            END
            chmod 755 /usr/local/sbin/lsinitramfs /usr/local/sbin/update-initramfs
            """
        )
    }
}
