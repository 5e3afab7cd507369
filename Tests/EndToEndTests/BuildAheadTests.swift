import FoundationEssentials
import NodeModel
import Planning
import TestSupport
import Testing

/// A newer kernel is installed, and the host has its headers but no DKMS.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct BuildAheadTests {
    /// Installs a kernel and its headers.
    ///
    /// Without `headers`, its directory has those of the running kernel.
    ///
    /// - Returns: The directory for its modules.
    func installKernel(_ node: SimulatedNode, _ prefix: String = "9", headers: Bool = true) async throws -> String {
        let kernel = try release(node, prefix)
        try await node.run([
            "sh", "-ec",
            """
            running=$(cat /proc/sys/kernel/osrelease)
            mkdir -p /boot /lib/modules/$1
            : >/boot/vmlinuz-$1
            : >/lib/modules/$1/modules.dep
            cp -R /lib/modules/$running/build/ /usr/src/linux-headers-$1
            cd /usr/src/linux-headers-$1/include/generated
            [ -z "$2" ] || echo "#define UTS_RELEASE \\"$1\\"" >utsrelease.h
            ln -s /usr/src/linux-headers-$1 /lib/modules/$1/build
            rm -f /usr/sbin/dkms /usr/bin/dkms
            """,
            "install-kernel", kernel, headers ? "yes" : "",
        ])
        return "/lib/modules/\(kernel)/kernel/drivers/video"
    }

    /// The release of the running kernel with a prefix, which makes it that of a newer kernel.
    private func release(_ node: SimulatedNode, _ prefix: String = "9") throws -> String {
        prefix + (try #require(node.text("/proc/sys/kernel/osrelease")).filter { !$0.isNewline })
    }

    @Test func buildsTheModulesBeforeTheReboot() async throws {
        try await SimulatedNode.with { node in
            let modules = try await installKernel(node)
            try await node.takeFirstLedger()
            try await node.agent("install").expectExit(0)
            let warned = try await node.status()
            #expect(warned.verdict == "ready", "\(warned)")
            let notice = try #require(warned.findings.first { $0.code == "kernel-change-pending" })
            #expect(notice.remedy.contains("'gpu-agent install' does it now"), "\(notice)")

            try await node.agent("install").expectExit(0)
            for name in ["nvidia", "nvidia-uvm", "nvidia-modeset"] {
                #expect(node.exists("\(modules)/\(name).ko"), "\(name)")
            }
            #expect(!node.exists("\(modules)/nvidia-drm.ko"))
            #expect(!node.exists(HostLayout.work))
            let done = try await node.status()
            #expect(done.verdict == "ready", "\(done)")
            #expect(!done.findings.contains { $0.code == "kernel-change-pending" && $0.state == "notice" })
            let writes = try await node.writes()
            try await node.agent("install").expectExit(0)
            expectSame(try await node.writes(), writes)

            try await node.uninstall().expectExit(0)
            try await node.expectUninstalled()
        }
    }

    /// The node boots the newer kernel, and then the older one again.
    @Test func aBootOfEitherKernelLoadsItsModules() async throws {
        try await SimulatedNode.with { node in
            let kernel = try release(node)
            _ = try await installKernel(node)
            for _ in 1...2 { try await node.agent("install").expectExit(0) }
            let requests = try node.requests().count
            for boot in [kernel, nil] {
                try await node.run(["sh", "-ec", Self.boot, "boot", boot ?? ""])
                let plan = try await node.agent("plan")
                #expect(!plan.output.contains("install the") && !plan.output.contains("build the"), "\(plan)")
                try await node.agent("install").expectExit(0)
                #expect(try await node.status().verdict == "ready")
                #expect(node.exists("/sys/module/nvidia_uvm"))
            }
            #expect(try node.requests().count == requests)
        }
    }

    /// What a boot of a kernel changes; without an argument, the boot of the first one.
    private static let boot = """
        modprobe -r nvidia-uvm nvidia-modeset nvidia
        rm -rf /dev/nvidia* /run/gpu-agent
        cat /proc/sys/kernel/random/uuid >/run/gpu-sim/boot_id
        umount /proc/sys/kernel/osrelease 2>/dev/null || true
        [ -n "$1" ] || exit 0
        echo "$1" >/run/osrelease
        mount --bind /run/osrelease /proc/sys/kernel/osrelease
        """

    /// The headers can change after the agent has looked at them, and a build can use others.
    @Test func nothingIsInstalledThatWasBuiltForAnotherKernel() async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install").expectExit(0)
            let kernel = try release(node)
            let running = try release(node, "")
            let modules = try await installKernel(node, headers: false)
            try node.directory.write(
                "none.yaml",
                "apiVersion: gpu-agent/v1\nkind: AgentConfig\ndriver: {buildPackages: false}\n"
            )
            let status = try await node.status(["--config", node.directory.path("none.yaml")])
            let notice = try #require(status.findings.first { $0.code == "kernel-change-pending" })
            #expect(notice.remedy.contains("(/lib/modules/\(kernel)/build has those of \(running))"), "\(notice)")

            let video = "/lib/modules/\(running)/kernel/drivers/video"
            let step = BuildAhead(version: "595.91.07", kernel: kernel, directory: video).step
            guard case .job(let job) = step.effects.first else { throw Failure("no job") }
            func build() async throws -> Finished {
                try await runProgram([Programs.script("node"), "exec", "--dir", node.directory.path] + job.command)
            }
            let headers = try await build()
            headers.expectExit(84)
            #expect(
                headers.errors.contains(
                    "ERROR: The headers in /lib/modules/\(kernel)/build are of \(running), and not of \(kernel)."
                ),
                "\(headers)"
            )

            try await node.run(["sh", "-ec", Self.wrongModules, "sh", kernel])
            let built = try await build()
            built.expectExit(85)
            #expect(built.errors.contains(" for 6.1.0-other, and not for \(kernel)."), "\(built)")
            #expect(!node.exists("\(modules)/nvidia.ko"))

            // modprobe prefers the files in this directory.
            try await node.run(["sh", "-ec", Self.hiddenModule, "sh", kernel, "\(video)/nvidia.ko"])
            let hidden = try await build()
            hidden.expectExit(1)
            let other = "/lib/modules/\(kernel)/updates/nvidia.ko"
            #expect(hidden.errors.contains(" would load \(other), and not "), "\(hidden)")
        }
    }

    private static let hiddenModule = """
        sed -i '/undef UTS_RELEASE/d; /6.1.0-other/d' /usr/src/nvidia-595.91.07/module.c
        mkdir /lib/modules/$1/updates
        cp "$2" /lib/modules/$1/updates
        """

    private static let wrongModules = """
        echo "#define UTS_RELEASE \\"$1\\"" >/lib/modules/$1/build/include/generated/utsrelease.h
        sed -i '/utsrelease/a #undef UTS_RELEASE\\n#define UTS_RELEASE "6.1.0-other"' /usr/src/nvidia-595.91.07/module.c
        """

    /// The node never boots the first of the two kernels.
    ///
    /// An interrupted build left the directory for temporary files.
    @Test func anUninstallRemovesTheModulesForEachKernel() async throws {
        try await SimulatedNode.with { node in
            let all = [try await installKernel(node), try await installKernel(node, "99")]
            try await node.run(["sh", "-c", "mv /boot/vmlinuz-99* /run"])
            try await node.takeFirstLedger()
            try await node.agent("install").expectExit(0)
            try await node.run(["mkdir", "-p", HostLayout.work])
            try await node.agent("install").expectExit(0)
            #expect(node.exists("\(all[0])/nvidia.ko") && !node.exists("\(all[1])/nvidia.ko"))
            #expect(!node.exists(HostLayout.work))
            try await node.run(["sh", "-c", "mv /run/vmlinuz-99* /boot"])
            try await node.agent("install").expectExit(0)
            #expect(all.allSatisfy { node.exists("\($0)/nvidia.ko") })

            try await node.uninstall().expectExit(0)
            #expect(!all.contains { node.exists("\($0)/nvidia.ko") })
            try await node.run(["sh", "-c", "mv /boot/vmlinuz-99* /run"])
            try await node.expectUninstalled()
        }
    }

    /// What fails around the driver does not keep the next kernel from getting its modules.
    @Test func buildsAlsoWhenAnotherStepFails() async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install").expectExit(0)
            let modules = try await installKernel(node)
            try await node.run([
                "sh", "-ec", "mkdir -p $1; mount --bind $1 $1; mount -o remount,bind,ro $1", "sh", "/etc/udev/rules.d",
            ])
            let install = try await node.agent("install")
            install.expectExit(1)
            #expect(install.errors.contains("× device-files-incomplete: "), "\(install)")
            #expect(node.exists("\(modules)/nvidia.ko"), "\(install)")
            #expect(try node.journal().finished(.buildAhead) && !(try node.journal().finished(.deviceRule)))
            let status = try await node.status()
            #expect(
                status.findings.contains { $0.code == "device-files-incomplete" && $0.state != "pass" },
                "\(status)"
            )
            try await node.run(["umount", "-l", "/etc/udev/rules.d"])
            let healed = try await node.agent("install")
            healed.expectExit(0)
            #expect(!healed.errors.contains("build the kernel modules"), "\(healed)")
        }
    }

    @Test func aFailedBuildIsANoticeAndIsNotRepeated() async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install").expectExit(0)
            let modules = try await installKernel(node)
            try await node.run(["sh", "-ec", "echo '#error broken' >>/usr/src/nvidia-595.91.07/module.c"])
            let failed = try await node.agent("install")
            failed.expectExit(1)
            #expect(failed.errors.contains("build-ahead-failed"), "\(failed)")
            #expect(!node.exists("\(modules)/nvidia.ko") && !node.exists(HostLayout.work))
            let status = try await node.status()
            #expect(status.verdict == "ready", "\(status)")
            let notice = try #require(status.findings.first { $0.code == "kernel-change-pending" })
            #expect(notice.observed.contains("The agent could not build it ahead of the reboot. "), "\(notice)")
            let writes = try await node.writes()
            try await node.agent("install").expectExit(0)
            expectSame(try await node.writes(), writes)
        }
    }

    /// The headers of the next kernel are broken, and somebody installs them again.
    @Test func aBuildIsRepeatedWhenTheHeadersAreRepaired() async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install").expectExit(0)
            let modules = try await installKernel(node)
            let kernel = try release(node)
            try await node.run(["sh", "-ec", Self.breakHeaders, "sh", kernel])
            let failed = try await node.agent("install")
            failed.expectExit(1)
            #expect(failed.errors.contains("build-ahead-failed"), "\(failed)")
            let notice = try #require(try await node.status().findings.first { $0.code == "kernel-change-pending" })
            let words = "The agent tries again when the headers of this kernel or the compiler change."
            #expect(notice.observed.contains(words), "\(notice)")
            #expect(try await node.agent("plan").output.contains("none, because there is nothing to do"))

            try await node.run(["sh", "-ec", Self.repairHeaders, "sh", kernel])
            let repaired = try await node.agent("plan")
            #expect(repaired.output.contains("build the kernel modules"), "\(repaired)")
            try await node.agent("install").expectExit(0)
            #expect(node.exists("\(modules)/nvidia.ko"))
            #expect(try node.journal().steps.allSatisfy { $0.state == .done })
        }
    }

    private static let breakHeaders = """
        cd /lib/modules/$1/build/include/generated
        cp -p utsrelease.h /run/utsrelease.h
        echo '#error broken' >>utsrelease.h
        """
    private static let repairHeaders = """
        cp -p /run/utsrelease.h /lib/modules/$1/build/include/generated/utsrelease.new
        mv /lib/modules/$1/build/include/generated/utsrelease.new /lib/modules/$1/build/include/generated/utsrelease.h
        """
}
