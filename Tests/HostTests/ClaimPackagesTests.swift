import Glibc
import HostSupport
import NodeModel
import Subprocess
import TestSupport
import Testing

@testable import Host

/// Finds packages of NVIDIA's driver in the databases of package managers.
@Suite struct ClaimPackagesTests {
    private func parse(_ text: String) throws -> [DriverPackage] { try Dpkg().parse(Array(text.utf8)) }

    private func package(_ name: String, _ version: String) -> DriverPackage {
        DriverPackage(manager: .dpkg, name: name, version: version)
    }

    private static let status = """
        Package: libc6
        Status: install ok installed
        Version: 2.36-9

        Package: nvidia-dkms-580
        Status: install ok half-configured
        Priority: optional
        Config-Version: 570.1
        Depends: dkms, libnvidia-compute-580
        Version: 580.105.08-0ubuntu1
        Description: NVIDIA DKMS package
         Package: nvidia-driver-999
         Status: install ok installed

        Package: nvidia-driver-570
        Status: deinstall ok config-files
        Version: 570.133.20-0ubuntu1

        Package: nvidia-driver-550
        Status: unknown ok not-installed

        Package: libnvidia-compute-580
        Status: hold ok installed
        Architecture: amd64
        Version: 580.105.08-0ubuntu1

        Package: libnvidia-compute-580
        Status: install ok installed
        Architecture: i386
        Version: 580.105.08-0ubuntu1

        Package: nvidia-container-toolkit
        Status: install ok installed
        Version: 1.19.0-1

        Package: libcuda1
        Status: install ok unpacked
        Version: 535.261.03-1
        """

    @Test func takesThePackagesThatAreUnpacked() async throws {
        let tree = try TemporaryDirectory()
        try tree.write("var/lib/dpkg/status", Self.status)
        let probe = ClaimProbe(root: try HostRoot(tree.path), commands: nil)
        let expected = [
            package("libcuda1", "535.261.03-1"), package("libnvidia-compute-580", "580.105.08-0ubuntu1"),
            package("nvidia-dkms-580", "580.105.08-0ubuntu1"),
        ]
        #expect(await probe.claimFacts().packages == .present(expected))
    }

    @Test func readsAListWithAndWithoutItsLastLine() throws {
        let one = "Package: libcuda1\nStatus: install ok installed\nVersion: 1:2-3"
        for end in ["", "\n", "\n\n", "\n\n\n"] { #expect(try parse(one + end) == [package("libcuda1", "1:2-3")]) }
        #expect(try parse("") == [])
    }

    @Test(arguments: [
        "\0\0\0\0\0\0\0\0", "not a list\n", "Package: libcuda1\n",
        "Package: libcuda1\nStatus: install ok installed\n", "Package: libcuda1\nStatus: install\nVersion: 1\n",
        "Package: libc6\nStatus: install ok installed\nVersion: 2\n\nPackage: nvidia-driver-580\nStat",
    ])
    func takesABrokenListForMalformed(_ text: String) async throws {
        let tree = try TemporaryDirectory()
        try tree.write("var/lib/dpkg/status", text)
        let probe = ClaimProbe(root: try HostRoot(tree.path), commands: nil)
        #expect(await probe.packages.packages(of: Dpkg()).failure?.reason == .malformed)
    }

    @Test(arguments: [
        "nvidia-driver-580", "nvidia-driver-580-server-open", "nvidia-driver", "nvidia-kernel-dkms",
        "nvidia-kernel-open-580", "nvidia-kernel-source-580", "nvidia-dkms-580-server", "nvidia-open",
        "nvidia-open-580",
        "nvidia-headless-no-dkms-580", "nvidia-utils-580", "nvidia-compute-utils-580", "nvidia-firmware-580-580.105.08",
        "libnvidia-compute-580", "libnvidia-ml1", "libcuda1", "libcuda1-384", "nvidia-384", "nvidia-418-dev",
        "cuda-drivers", "cuda-drivers-580", "linux-modules-nvidia-580-server-open-6.8.0-1044-azure",
        "linux-objects-nvidia-580-6.8.0-1044-azure", "nvidia-fabricmanager-580", "nvidia-fabric-manager",
        "nvidia-linux-grid-535", "nvidia-vgpu-guest-driver", "nvidia-vgpu-ubuntu-580", "nvidia-custom-grid-driver",
        "nvidia-tesla-470-kernel-dkms", "nvidia-legacy-390xx-driver", "nvidia-smi", "xserver-xorg-video-nvidia",
        "kmod-nvidia-open-dkms", "kmod-nvidia-latest-dkms", "akmod-nvidia", "kmod-6.1-nvidia", "nvidia-kmod-common",
        "xorg-x11-drv-nvidia-cuda", "nvidia-open-driver-G06-signed-kmp-default", "nvidia-video-G06", "cuda-open",
    ])
    func knowsTheDriversPackages(_ name: String) {
        #expect(Dpkg().isDriver(name, version: "580.105.08-1"))
        #expect(Rpm().isDriver(name, version: "3:580.105.08-1.el9"))
    }

    @Test(arguments: [
        "nvidia-container-toolkit", "nvidia-container-toolkit-base", "nvidia-container-runtime", "libnvidia-container1",
        "libnvidia-container-tools", "nvidia-docker2", "cuda-toolkit", "cuda-toolkit-13-0", "cuda-compat-13-0",
        "cuda-keyring", "nvidia-settings", "nvidia-modprobe", "nvidia-persistenced", "nvidia-prime", "nvidia-fs-dkms",
        "nvidia-fs", "kmod-nvidia-fs", "nvidia-gds", "nvidia-cuda-toolkit", "nvidia-cuda-dev", "libnvidia-ml-dev",
        "libnvidia-egl-wayland1", "nvidia-driver-assistant", "nvidia-driver-local-repo-ubuntu2204-580.105.08",
        "nvidia-driver-pinning-580", "firmware-nvidia-graphics", "libcudart12", "nvidia-detect", "nvidia-imex-580",
        "linux-modules-6.8.0-1044-azure", "datacenter-gpu-manager", "kmod", "libc6", "",
    ])
    func knowsThePackagesOfOthers(_ name: String) {
        #expect(!Dpkg().isDriver(name, version: "580.105.08-1"))
        #expect(!Rpm().isDriver(name, version: "3:580.105.08-1.el9"))
    }

    @Test func tellsAzureLinuxsDriverFromTheToolkit() {
        #expect(Rpm().isDriver("cuda", version: "595.71.05-1_6.6.112.1.2.azl3"))
        #expect(!Rpm().isDriver("cuda", version: "13.0.1-1"))
        #expect(!Dpkg().isDriver("cuda", version: "580.105.08-1"))
        #expect(!Rpm().isDriver("cuda", version: ""))
    }

    /// Compares the package list of this machine with the output of dpkg, with the same filter.
    ///
    /// Most machines have no driver.
    @Test(.enabled(if: access("/usr/bin/dpkg-query", X_OK) == 0, "no dpkg here"))
    func agreesWithDpkgOnThisMachine() async throws {
        let format = "${Package}\\t${db:Status-Status}\\t${Version}\\n"
        let query = ["-c", "dpkg-query -W -f '\(format)'"]
        let said = try await run(
            .name("sh"),
            arguments: Arguments(query),
            output: .string(limit: 16 << 20),
            error: .discarded
        )
        let rows = said.standardOutput.split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
        try #require(rows.count > 50)
        func isThere(_ row: [String]) -> Bool { row.count == 3 && !["not-installed", "config-files"].contains(row[1]) }
        let expected = rows.filter { isThere($0) && Dpkg().isDriver($0[0], version: $0[2]) }
            .map { package($0[0], $0[2]) }
        let found = try #require(
            await ClaimProbe(root: HostRoot("/"), commands: nil).packages.packages(of: Dpkg()).value
        )
        #expect(Set(found.map { "\($0)" }) == Set(expected.map { "\($0)" }))
    }

    // rpm

    @Test func isNeverSureOfADatabaseThatItCannotAsk() async throws {
        let tree = try TemporaryDirectory()
        let probe = ClaimProbe(root: try HostRoot(tree.path), commands: nil)
        try tree.makeDirectory("var/lib/rpm")
        #expect(await probe.claimFacts().packages == .absent)
        try tree.write("usr/lib/sysimage/rpm/rpmdb.sqlite", "")
        let missing = await probe.claimFacts().packages.failure
        #expect(missing?.reason == .command)
        #expect(missing?.detail.contains("there is no /usr/bin/rpm") == true)
        try tree.write("usr/bin/rpm", "")
        #expect(chmod(tree.path("usr/bin/rpm"), 0o755) == 0)
        let detail = await probe.claimFacts().packages.failure?.detail
        #expect(detail?.contains("the agent cannot run commands on the host") == true)
        // What dpkg says does not stand for both.
        try tree.write("var/lib/dpkg/status", Self.status)
        #expect(await probe.claimFacts().packages.failure?.reason == .command)
    }

    @Test func readsWhatRpmSays() {
        let said = """
            kmod-nvidia-open-dkms\t3:595.71.05-1.el9
            nvidia-container-toolkit\t1.19.0-1
            cuda\t13.0.1-1
            half a line
            nvidia-driver-cuda\t3:595.71.05-1.el9
            """
        let expected = ["kmod-nvidia-open-dkms", "nvidia-driver-cuda"].map {
            DriverPackage(manager: .rpm, name: $0, version: "3:595.71.05-1.el9")
        }
        #expect(Rpm().parse(said) == expected)
        #expect(Rpm().parse("") == [])
    }

    /// Reads a database and packages that rpm itself created.
    @Test(
        .enabled(if: PrivateHost.isPossible && access("/usr/bin/rpmbuild", X_OK) == 0, "needs root and rpm"),
        .timeLimit(.minutes(2))
    )
    func asksTheHostsRpm() async throws {
        let script = """
            mkdir -p /run/build && cd /run/build
            for package in 'nvidia-driver 595.71.05' 'nvidia-container-toolkit 1.19.0' 'bash-completion 2'; do
                set -- $package
                printf '%s\\n' "Name: $1" "Epoch: 3" "Version: $2" 'Release: 1.el9' 'Summary: x' 'License: x' \
                    'BuildArch: noarch' '%description' 'x' '%files' >$1.spec
                HOME=/run/build rpmbuild -bb --define '_topdir /run/build' $1.spec
            done
            rpm --dbpath /var/lib/rpm --initdb
            """
        let install = "rpm --dbpath /var/lib/rpm --nodeps -i /run/build/RPMS/noarch/*.rpm"
        try await PrivateHost.with { host in
            let probe = ClaimProbe(root: host.root, commands: host.commands)
            #expect(await probe.claimFacts().packages == .absent)
            _ = try await host.commands.run(["sh", "-ec", script], deadline: .seconds(60))
            #expect(await probe.claimFacts().packages == .present([]))
            _ = try await host.commands.run(["sh", "-ec", install], deadline: .seconds(60))
            let driver = DriverPackage(manager: .rpm, name: "nvidia-driver", version: "3:595.71.05-1.el9")
            #expect(await probe.claimFacts().packages == .present([driver]))
            let breaking = "for file in /var/lib/rpm/*; do echo broken >$file; done"
            _ = try await host.commands.run(["sh", "-ec", breaking], deadline: .seconds(60))
            #expect(await probe.claimFacts().packages.failure?.reason == .command)
        }
    }
}
