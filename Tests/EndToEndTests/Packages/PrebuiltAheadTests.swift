import NodeModel
import TestSupport
import Testing

/// A newer kernel is installed on a host whose driver is from packages of the distribution.
@Suite(.onSimulatedNodes, .having("apt-get", "dpkg-deb"), .timeLimit(.minutes(10)))
struct PrebuiltAheadTests {
    static let kernel = "9\(DebianRepository.kernel)"
    static let modules = "linux-modules-nvidia-595-server-open-\(kernel)"

    /// Installs the newer kernel.
    static func installKernel(on node: SimulatedNode) async throws {
        let install = "mkdir -p /boot /lib/modules/$1; : >/boot/vmlinuz-$1; : >/lib/modules/$1/modules.dep"
        try await node.run(["sh", "-ec", install, "install-kernel", kernel])
    }

    /// The kernel rejects modules without a signature, so the agent could build none.
    @Test func installsTheModulesBeforeTheReboot() async throws {
        try await PrebuiltRepository.with(next: Self.kernel) { prebuilt in
            let node = prebuilt.node
            let before = try await prebuilt.repository.installed()
            try await prebuilt.repository.runOnce()
            try await node.takeFirstLedger()
            try await node.agent("install").expectExit(0)
            try await Self.installKernel(on: node)
            let missing = try await node.status()
            let notice = try #require(missing.findings.first { $0.code == "kernel-change-pending" })
            #expect(missing.verdict == "ready" && notice.state == "notice", "\(missing)")
            #expect(notice.observed.contains("No repository of the node offers \(Self.modules)"), "\(notice)")
            #expect(notice.remedy.contains("Before the reboot, install \(Self.modules)"), "\(notice)")
            #expect(try await node.agent("plan").output.contains("none, because there is nothing to do"))

            try await prebuilt.addModules(Self.modules, for: Self.kernel)
            let plan = try await node.agent("plan")
            #expect(plan.output.contains("install \(Self.modules) with apt-get for the next boot"), "\(plan)")
            try await node.agent("install").expectExit(0)
            #expect(node.exists("/lib/modules/\(Self.kernel)/kernel/nvidia-595srv-open/nvidia.ko"))
            let recorded = prebuilt.recorded().filter { $0.contains(Self.kernel) }
            #expect(recorded == ["add \(Self.modules)", "hold \(Self.modules)"])
            #expect(try await node.run(["apt-mark", "showhold"]).contains(Self.modules))
            #expect(try node.journal().steps.last?.step == .modulesAhead)
            let status = try await node.status()
            #expect(status.verdict == "ready", "\(status)")
            #expect(!status.findings.contains { $0.code == "kernel-change-pending" && $0.state == "notice" })
            #expect(try await node.agent("plan").output.contains("none, because there is nothing to do"))

            try await node.uninstall().expectExit(0)
            expectSame(try await prebuilt.repository.installed(), before)
            #expect(!node.exists(HostLayout.driverPackages))
            let named = namedByUninstall.union(try await node.writtenByApt()).union(node.filesOfKernel(Self.kernel))
            try await node.expectUninstalled(apartFrom: named)
        }
    }
}
