import NodeModel
import TestSupport
import Testing

/// A module in DKMS that does not build for the headers that the agent installs, with the real apt-get and dpkg.
///
/// The stand-in for DKMS prints what DKMS 3.0.10 prints, and fails as it does. Its script runs where that of the real
/// package `linux-headers` runs DKMS: in `/etc/kernel/header_postinst.d`.
@Suite(.onSimulatedNodes, .having("apt-get", "dpkg-deb"), .timeLimit(.minutes(10)))
struct BrokenDKMSTests {
    private static let kernel = DebianRepository.kernel
    private static let dkms = """
        mkdir -p /etc/kernel/header_postinst.d /var/lib/dkms/example/1.2.3/source
        cat >/usr/sbin/dkms <<'END'
        #!/bin/sh
        case $1 in
        status) [ ! -e /var/lib/dkms/example ] || echo 'example/1.2.3: added' ;;
        remove) [ "$2" = example/1.2.3 ] && rm -r /var/lib/dkms/example ;;
        autoinstall)
            [ -e /var/lib/dkms/example ] || exit 0
            echo 'Error! Bad return status for module build on kernel: \(kernel) (x86_64)' >&2
            [ -e /run/no-log ] || echo 'Consult /var/lib/dkms/example/1.2.3/build/make.log for more information.' >&2
            echo 'Error! One or more modules failed to install during autoinstall.' >&2
            echo 'Refer to previous errors for more information.' >&2
            exit 11
            ;;
        esac
        END
        printf '#!/bin/sh\nexec dkms autoinstall --kernelver "$1"\n' >/etc/kernel/header_postinst.d/dkms
        chmod 755 /usr/sbin/dkms /etc/kernel/header_postinst.d/dkms
        """
    private static let script = "run-parts --report --exit-on-error --arg=\(kernel) /etc/kernel/header_postinst.d"

    @Test(arguments: [true, false])
    func namesTheModule(_ hasLog: Bool) async throws {
        try await BuildPackagesTests.with { repository in
            let node = repository.node
            try await repository.addHeaders(of: Self.kernel, script: Self.script)
            try await node.run(["sh", "-ec", Self.dkms + (hasLog ? "" : "\ntouch /run/no-log")])
            let install = try await node.agent("install")
            install.expectExit(1)
            let text = "dkms-build-failed: DKMS cannot build \(hasLog ? "" : "one of ")example/1.2.3 for the "
            let rest = "kernel \(Self.kernel), so \(DebianRepository.headers) cannot be configured.\n"
            #expect(install.errors.contains(text + rest), "\(install)")
            #expect(install.errors.contains("'dkms remove MODULE/VERSION --all'"), "\(install)")
            #expect(try await node.status().reason == "dkms-build-failed")
            // The next attempt builds with the headers, which are there, whether somebody followed the remedy or not.
            if hasLog { try await node.run(["dkms", "remove", "example/1.2.3", "--all"]) }
            try await node.agent("install").expectExit(0)
            #expect(try await node.status().verdict == "ready")
            #expect(try await node.run(["dpkg", "--audit"]).isEmpty == hasLog)
        }
    }
}
