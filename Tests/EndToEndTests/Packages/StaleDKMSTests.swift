import NodeModel
import TestSupport
import Testing

/// A tree in DKMS whose source is gone, so that the headers of a kernel cannot be configured, with the real apt-get and
/// dpkg.
///
/// The stand-in for DKMS stops at such a tree with the words and the status of DKMS 3.0.10.
@Suite(.onSimulatedNodes, .having("apt-get", "dpkg-deb"), .timeLimit(.minutes(10)))
struct StaleDKMSTests {
    private static let kernel = DebianRepository.kernel
    private static let script = "run-parts --report --exit-on-error --arg=\(kernel) /etc/kernel/header_postinst.d"
    private static let stale = "/var/lib/dkms/nvidia/535.54.03"
    private static let dkms = #"""
        mkdir -p /etc/kernel/header_postinst.d
        cat >/usr/sbin/dkms <<'END'
        #!/bin/sh
        case $1 in
        add) mkdir -p "/var/lib/dkms/$2" && ln -sfn "/usr/src/nvidia-${2#*/}" "/var/lib/dkms/$2/source" ;;
        remove) rm -r "/var/lib/dkms/${2:?}" ;;
        autoinstall)
            for tree in /var/lib/dkms/*/*; do
                [ -L "$tree/source" ] && [ ! -r "$tree/source/dkms.conf" ] || continue
                echo 'Error! Could not locate dkms.conf file.' >&2
                echo "File: $tree/source/dkms.conf does not exist." >&2
                exit 4
            done
            ;;
        esac
        END
        printf '#!/bin/sh\nexec dkms autoinstall --kernelver "$1"\n' >/etc/kernel/header_postinst.d/dkms
        chmod 755 /usr/sbin/dkms /etc/kernel/header_postinst.d/dkms

        # A driver that was built for another kernel, and one whose source is there.
        for version in 535.54.03 570.86.10; do
            mkdir -p /var/lib/dkms/nvidia/$version/6.1.0-1/x86_64/module /usr/src/nvidia-$version
            ln -s /usr/src/nvidia-$version /var/lib/dkms/nvidia/$version/source
            ln -s $version/6.1.0-1/x86_64 /var/lib/dkms/nvidia/kernel-$version-x86_64
            echo PACKAGE_NAME=nvidia >/usr/src/nvidia-$version/dkms.conf
        done
        mkdir -p /lib/modules/6.1.0-1/updates/dkms
        echo module >/lib/modules/6.1.0-1/updates/dkms/nvidia.ko
        rm -r /usr/src/nvidia-535.54.03
        """#

    /// Before the agent, somebody can have tried to install the headers: then dpkg has not configured them.
    @Test(arguments: [false, true])
    func theTreeIsRemovedOnceAndTheInstallProceeds(_ isHalfConfigured: Bool) async throws {
        try await BuildPackagesTests.with { repository in
            let node = repository.node
            try await repository.addHeaders(of: Self.kernel, script: Self.script)
            try await node.run(["sh", "-ec", Self.dkms])
            if isHalfConfigured {
                let install = "apt-get -q update && ! apt-get -qy install \(DebianRepository.headers)"
                try await node.run(["sh", "-c", install])
                #expect(try await node.run(["dpkg", "--audit"]).contains(DebianRepository.headers))
            }
            let title = "remove nvidia/535.54.03 from DKMS, because its source is gone"
            #expect(try await node.agent("plan").output.contains(title))
            let install = try await node.agent("install")
            install.expectExit(0)
            #expect(install.errors.contains(title), "\(install)")
            let heals = "dpkg was interrupted: running dpkg --configure -a"
            #expect(install.errors.ranges(of: heals).count == (isHalfConfigured ? 1 : 0), "\(install)")
            #expect(try await node.status().verdict == "ready")
            #expect(try await node.run(["dpkg", "--audit"]).isEmpty)
            let step = try #require(node.journal().steps.first { $0.step == .staleDKMS })
            #expect(step.state == .done)
            #expect(try await node.agent("plan").output.contains("none, because there is nothing to do"))

            // Nothing else is gone.
            let names = try await node.run(["sh", "-c", "cd /var/lib/dkms/nvidia && ls -d 5[37]* kernel-*"])
            #expect(names.split(separator: "\n") == ["570.86.10", "kernel-570.86.10-x86_64"])
            #expect(node.exists("/lib/modules/6.1.0-1/updates/dkms/nvidia.ko"))
        }
    }

    /// The agent cannot know who needs the module of somebody else.
    @Test func anotherModuleWithoutItsSourceIsNamed() async throws {
        try await BuildPackagesTests.with { repository in
            let node = repository.node
            try await repository.addHeaders(of: Self.kernel, script: Self.script)
            let tree = "/var/lib/dkms/example/1.2.3"
            let other = "mkdir -p \(tree); ln -s /usr/src/example-1.2.3 \(tree)/source"
            try await node.run(["sh", "-ec", "\(Self.dkms)\n\(other)"])
            let install = try await node.agent("install")
            install.expectExit(1)
            let text = "dkms-build-failed: DKMS cannot build example/1.2.3 for the kernel \(Self.kernel), so "
            #expect(install.errors.contains(text), "\(install)")
            #expect(node.exists(tree) && !node.exists(Self.stale))
        }
    }
}
