import NodeModel
import TestSupport
import Testing

/// A newer kernel is installed, and its headers are only in a repository.
@Suite(.onSimulatedNodes, .having("apt-get", "dpkg-deb"), .timeLimit(.minutes(10)))
struct HeadersAheadTests {
    private static let kernel = "9\(DebianRepository.kernel)"
    private static let headers = "linux-headers-\(kernel)"
    private static let module = "/lib/modules/\(kernel)/kernel/drivers/video/nvidia.ko"

    /// Starts a host that works, and installs a kernel without headers.
    private static func with(_ body: @escaping @Sendable (DebianRepository) async throws -> Void) async throws {
        try await SimulatedNode.with("h100") { node in
            let repository = try await DebianRepository(node)
            try await node.run(["sh", "-c", "rm -f /usr/sbin/dkms /usr/bin/dkms"])
            try await node.agent("install").expectExit(0)
            let install = """
                mkdir -p /boot /lib/modules/$1
                : >/boot/vmlinuz-$1
                : >/lib/modules/$1/modules.dep
                """
            try await node.run(["sh", "-ec", install, "install-kernel", kernel])
            try await body(repository)
        }
    }

    @Test func installsTheHeadersAndBuildsBeforeTheReboot() async throws {
        try await Self.with { repository in
            let node = repository.node
            let files = """
                target=$root/usr/src/\(Self.headers)
                mkdir -p $target $root/lib/modules/\(Self.kernel)
                cp -RL /lib/modules/\(DebianRepository.kernel)/build/. $target
                mkdir -p $target/include/generated
                echo '#define UTS_RELEASE "\(Self.kernel)"' >$target/include/generated/utsrelease.h
                ln -s /usr/src/\(Self.headers) $root/lib/modules/\(Self.kernel)/build
                """
            try await repository.add(Self.headers, depends: "t-kbuild", files: files)
            let before = try await repository.installed()
            let plan = try await node.agent("plan")
            #expect(plan.output.contains("install \(Self.headers) with apt-get for the next boot"), "\(plan)")
            try await node.agent("install").expectExit(0)
            #expect(node.exists(Self.module))
            let recorded = ["add \(Self.headers)", "add t-kbuild", "hold \(Self.headers)"]
            #expect(repository.packages.recorded() == recorded)
            let status = try await node.status()
            #expect(status.verdict == "ready", "\(status)")
            #expect(!status.findings.contains { $0.code == "kernel-change-pending" && $0.state == "notice" })
            #expect(try await node.agent("plan").output.contains("none, because there is nothing to do"))

            try await node.uninstall().expectExit(0)
            expectSame(try await repository.installed(), before)
            #expect(!node.exists(Self.module) && !node.exists(HostLayout.buildPackages))
            #expect(try await node.run(["ls", HostLayout.jobs]).isEmpty)
        }
    }

    @Test func headersThatNoRepositoryHasAreANotice() async throws {
        try await Self.with { repository in
            let node = repository.node
            let before = try await repository.installed()
            let failed = try await node.agent("install")
            failed.expectExit(1)
            #expect(failed.errors.contains("build-ahead-failed: No repository has \(Self.headers)."), "\(failed)")
            let status = try await node.status()
            #expect(status.verdict == "ready", "\(status)")
            let notice = try #require(status.findings.first { $0.code == "kernel-change-pending" })
            #expect(notice.observed.contains("No repository has \(Self.headers)."), "\(notice)")
            #expect(notice.remedy.contains("Before the reboot, install the headers of \(Self.kernel)"), "\(notice)")
            try await node.agent("install").expectExit(0)
            #expect(try await repository.installed() == before)
            #expect(try await node.status().verdict == "ready")
        }
    }
}
