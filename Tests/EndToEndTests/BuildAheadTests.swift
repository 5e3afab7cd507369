import FoundationEssentials
import NodeModel
import TestSupport
import Testing

/// A newer kernel is installed, and the host has its headers but no DKMS.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct BuildAheadTests {
    /// Installs a kernel and its headers, which are those of the running one.
    ///
    /// - Returns: The directory for its modules.
    func installKernel(_ node: SimulatedNode, _ prefix: String = "9") async throws -> String {
        let running = try #require(node.text("/proc/sys/kernel/osrelease")).filter { !$0.isNewline }
        let kernel = "\(prefix)\(running)"
        try await node.run([
            "sh", "-ec",
            """
            running=$(cat /proc/sys/kernel/osrelease)
            mkdir -p /boot /lib/modules/$1
            : >/boot/vmlinuz-$1
            : >/lib/modules/$1/modules.dep
            cp -R /lib/modules/$running/build/ /usr/src/linux-headers-$1
            ln -s /usr/src/linux-headers-$1 /lib/modules/$1/build
            rm -f /usr/sbin/dkms /usr/bin/dkms
            """,
            "install-kernel", kernel,
        ])
        return "/lib/modules/\(kernel)/kernel/drivers/video"
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
}
