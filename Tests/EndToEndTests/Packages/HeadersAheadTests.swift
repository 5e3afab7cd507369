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
    ///
    /// `dkms` is a program that stands in for DKMS, or empty for a host without it.
    private static func with(
        dkms: String = "",
        _ body: @escaping @Sendable (DebianRepository) async throws -> Void
    ) async throws {
        try await SimulatedNode.with("h100") { node in
            let repository = try await DebianRepository(node)
            try await repository.runOnce()
            try await installKernel(on: node, dkms: dkms, ledger: true)
            try await body(repository)
        }
    }

    /// Installs the driver, and then a kernel without headers.
    static func installKernel(on node: SimulatedNode, dkms: String = "", ledger: Bool = false) async throws {
        let place = """
            rm -f /usr/sbin/dkms /usr/bin/dkms
            mkdir -p /var/lib/dkms
            [ -z "$1" ] || printf '%s\\n' "$1" | install -m 755 /dev/stdin /usr/sbin/dkms
            """
        try await node.run(["sh", "-c", place, "sh", dkms])
        if ledger { try await node.takeFirstLedger() }
        try await node.agent("install").expectExit(0)
        let install = """
            mkdir -p /boot /lib/modules/$1
            : >/boot/vmlinuz-$1
            : >/lib/modules/$1/modules.dep
            """
        try await node.run(["sh", "-ec", install, "install-kernel", kernel])
    }

    /// What an uninstall leaves, what apt keeps for itself, and what the tests put on the host for the kernel.
    private static func named(_ node: SimulatedNode) async throws -> Set<String> {
        namedByUninstall.union(try await node.writtenByApt()).union(node.filesOfKernel(kernel))
    }

    /// Adds the headers of that kernel.
    static func addHeaders(to repository: DebianRepository) async throws {
        try await repository.add(headers, depends: "t-kbuild", files: files)
    }

    /// The files of the package with the headers.
    private static let files = """
        target=$root/usr/src/\(headers)
        mkdir -p $target $root/lib/modules/\(kernel)
        cp -RL /lib/modules/\(DebianRepository.kernel)/build/. $target
        mkdir -p $target/include/generated
        echo '#define UTS_RELEASE "\(kernel)"' >$target/include/generated/utsrelease.h
        ln -s /usr/src/\(headers) $root/lib/modules/\(kernel)/build
        """

    @Test func installsTheHeadersAndBuildsBeforeTheReboot() async throws {
        try await Self.with { repository in
            let node = repository.node
            try await Self.addHeaders(to: repository)
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
            try await node.expectUninstalled(apartFrom: try await Self.named(node))
        }
    }

    /// Builds and removes as `dkms` does, with its files in `/var/lib/dkms`, but only where the options are those that the
    /// agent and the installer use.
    private static let dkms = #"""
        #!/bin/sh -e
        command=$1 kernel=
        shift
        while [ $# -gt 0 ]; do
            case $1 in
            -k) kernel=$2; shift ;;
            --*) ;;
            *) name=${1%/*} version=${1#*/} ;;
            esac
            shift
        done
        state=/var/lib/dkms/$name/$version
        case $command in
        add)
            mkdir -p "$state"
            ln -sfn "/usr/src/$name-$version" "$state/source"
            ;;
        install)
            build=$(mktemp -d)
            cp -R "$state/source/." "$build"
            make -s -C "$build" KERNEL_UNAME="$kernel" NV_EXCLUDE_DRM=1 NV_EXCLUDE_PEERMEM=1 modules
            mkdir -p "$state/$kernel/$(uname -m)" "/lib/modules/$kernel/updates/dkms"
            mv "$build"/*.ko "/lib/modules/$kernel/updates/dkms"
            rm -rf "$build"
            depmod "$kernel"
            ;;
        remove)
            for built in "$state"/${kernel:-*}/"$(uname -m)"; do
                [ -e "$built" ] || continue
                release=$(basename "${built%/*}")
                rm -rf "${built%/*}" "/lib/modules/$release/updates"
                depmod "$release"
            done
            if [ -z "$kernel" ]; then
                rm -rf "$state"
                rmdir "${state%/*}" 2>/dev/null || :
            fi
            ;;
        *) exit 9 ;;
        esac
        """#

    /// The hook of the new kernel built nothing, because the headers were missing.
    @Test func letsDKMSBuildAfterTheHeaders() async throws {
        try await Self.with(dkms: Self.dkms) { repository in
            let node = repository.node
            #expect(node.exists("/var/lib/dkms/nvidia/595.99.02"))
            try await Self.addHeaders(to: repository)
            let before = try await repository.installed()
            let plan = try await node.agent("plan")
            #expect(plan.output.contains("install \(Self.headers) with apt-get for the next boot"), "\(plan)")
            #expect(plan.output.contains("for the kernel \(Self.kernel) with DKMS"), "\(plan)")
            try await node.agent("install").expectExit(0)
            let module = "/lib/modules/\(Self.kernel)/updates/dkms/nvidia.ko"
            #expect(node.exists(module) && !node.exists(Self.module))
            let status = try await node.status()
            #expect(status.verdict == "ready", "\(status)")
            #expect(!status.findings.contains { $0.code == "kernel-change-pending" && $0.state == "notice" })
            #expect(try await node.agent("plan").output.contains("none, because there is nothing to do"))

            try await node.uninstall().expectExit(0)
            expectSame(try await repository.installed(), before)
            #expect(!node.exists(module) && !node.exists(HostLayout.buildPackages))
            #expect(try await node.run(["ls", HostLayout.jobs]).isEmpty)
            try await node.expectUninstalled(apartFrom: try await Self.named(node))
        }
    }

    /// The node has no network by then, and a directory with the packages for the new kernel.
    @Test func takesTheHeadersFromADirectory() async throws {
        try await Self.with { repository in
            let node = repository.node
            try await Self.addHeaders(to: repository)
            // The directory gets the compiler of the kernel, too.
            for name in ["gcc", "make", "gcc-12", "gcc-13", "gcc-14"] { try await repository.add(name, version: "0.1") }
            let mirror = ["catalog", "mirror", "--to", node.path("/srv/drivers"), "--host-pid", "\(node.pid)"]
            let command = [Programs.agent] + mirror + node.choice + ["--kernel", Self.kernel]
            try await runProgram(command).expectExit(0)
            try await node.run([
                "sh", "-c",
                "rm -rf /repo; echo 'deb http://127.0.0.1:9/ ./' >/etc/apt/sources.list; rm -rf /var/lib/apt/lists",
            ])
            let config = "apiVersion: gpu-agent/v1\nkind: AgentConfig\ndriver: {source: 'file:///srv/drivers'}\n"
            try node.directory.write("config.yaml", config)
            let options = ["--config", node.directory.path("config.yaml")]
            let plan = try await node.agent("plan", options)
            let title = "install \(Self.headers) with apt-get from /srv/drivers/kernel-\(Self.kernel) for the next boot"
            #expect(plan.output.contains(title), "\(plan)")
            try await node.agent("install", options).expectExit(0)
            #expect(node.exists(Self.module))
            let recorded = ["add \(Self.headers)", "add t-kbuild", "hold \(Self.headers)"]
            #expect(repository.packages.recorded() == recorded)
            #expect(try await node.status(options).verdict == "ready")
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
