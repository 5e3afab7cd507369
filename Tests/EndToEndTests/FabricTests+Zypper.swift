import NodeModel
import Planning
import TestSupport
import Testing

/// The fabric manager with its subnet manager from a repository of SUSE, with the real zypper and rpm.
extension FabricTests {
    /// Makes the host one of SUSE, whose repository has the fabric manager in these versions, and the subnet manager.
    static func offer(_ versions: [String], on node: SimulatedNode) async throws -> RPMRepository {
        let kernel = "6.4.0-150600.23.25-default"
        let repository = try await RPMRepository(node, Zypper(), kernel: kernel, build: "/usr/src/linux-obj")
        let package = "nvidia-fabricmanager"
        for version in versions {
            let files = "/run/files/\(version)"
            let words = "Fabric Manager version is : \(version)"
            let script = "root=\(files)\n" + Self.program("nv-fabricmanager", words, package, units: "units")
            try await node.run(["sh", "-ec", script])
            try await repository.add([
                RPMRepository.Spec(
                    name: package,
                    version: "\(version)-1",
                    fields: ["AutoReqProv: no"],
                    copies: [
                        "/usr/bin/nv-fabricmanager": "\(files)/usr/bin/nv-fabricmanager",
                        "/usr/lib/systemd/system/\(package).service": "\(files)/units/\(package).service",
                    ]
                )
            ])
        }
        try await repository.add([
            RPMRepository.Spec(name: "nvlsm", version: "2025.03.9-1"),
            RPMRepository.Spec(name: "nvlsm", version: "2025.10.1-1"),
            RPMRepository.Spec(name: "infiniband-diags", version: "50.0-1"),
        ])
        let system = "printf 'ID=sles\\nVERSION_ID=15.6\\n' >/run/os-release"
        try await node.run([
            "sh", "-ec",
            """
            \(system); rm -f /etc/os-release /usr/lib/os-release; mv /run/os-release /etc/os-release
            zypper --non-interactive addrepo --no-gpgcheck file:///repo test
            zypper --non-interactive refresh test
            # zypper has run on the host.
            zypper --non-interactive install t-make
            zypper --non-interactive remove t-make
            zypper --non-interactive addrepo --no-gpgcheck file:///none never-refreshed
            mkdir -p /etc/udev/rules.d
            """,
        ])
        return repository
    }

    @Test(.having("zypper", "rpmbuild", "createrepo_c"))
    func comesFromARepositoryOfZypper() async throws {
        try await Self.withNVSwitch { node in
            let repository = try await Self.offer([Self.driver, "580.167.08"], on: node)
            let before = try await repository.installed()
            try await node.takeFirstLedger()
            let options = try await expectInstall(with: "zypper", on: node)
            let lines = ["add nvidia-fabricmanager", "hold nvidia-fabricmanager", "made /etc/zypp/locks"]
            #expect(node.text(HostLayout.fabricPackages) == lines.map { "\($0)\n" }.joined())
            // An update of the whole system does not bring the fabric manager of another driver.
            try await node.run(["zypper", "--non-interactive", "--no-refresh", "update", "--repo", "test"])
            #expect(try await repository.installed().contains("nvidia-fabricmanager-\(Self.driver)-1.noarch"))
            #expect(try await node.agent("plan", options).output.contains("none, because there is nothing to do"))

            try await node.uninstall().expectExit(0)
            let after = try await repository.installed().filter { !$0.hasPrefix("t-") }
            expectSame(after, before.filter { !$0.hasPrefix("t-") })
            #expect(try await node.run(["zypper", "locks"]).contains("There are no package locks defined."))
            #expect(!node.exists(HostLayout.fabricPackages))
            try await node.expectUninstalled(apartFrom: namedByUninstall.union(try await node.writtenByZypper()))
        }
    }

    /// What is downloaded before the driver is replaced needs no repository afterwards.
    @Test(.having("zypper", "rpmbuild", "createrepo_c"))
    func aRepositoryThatIsGoneAfterTheDownloadIsNotNeeded() async throws {
        try await Self.withNVSwitch { node in
            _ = try await Self.offer([Self.driver], on: node)
            let address = "http://127.0.0.1:\(try await node.serveRepository())/"
            // The server ends before the installer of the driver begins.
            let script = """
                zypper --non-interactive removerepo test never-refreshed
                zypper --non-interactive addrepo --no-check --no-gpgcheck $1 served
                zypper --non-interactive refresh
                real=$(command -v modprobe)
                mkdir /run/real
                ln -s "$(readlink -f "$real")" /run/real/modprobe
                rm "$real"
                printf '#!/bin/sh\\npkill -f http.server\\nexec /run/real/modprobe "$@"\\n' >"$real"
                chmod 755 "$real"
                """
            try await node.run(["sh", "-ec", script, "sh", address])
            try await node.agent("install", try node.options(for: Self.driver)).expectExit(0)
            try await node.run(["systemctl", "is-active", "nvidia-fabricmanager"])
            let answer = try await node.agent("plan", try node.options(for: Self.driver))
            #expect(answer.output.contains("none, because there is nothing to do"), "\(answer)")
            #expect(try await node.run(["sh", "-c", "curl -s -m 2 $1 || echo gone", "sh", address]) == "gone\n")
        }
    }

    /// A machine whose switches are not PCI functions of NVIDIA needs `nvlsm`, of which the newest version comes.
    @Test(.having("zypper", "rpmbuild", "createrepo_c"))
    func theSubnetManagerComesFromARepositoryOfZypper() async throws {
        try await Self.withB200 { node in
            let repository = try await Self.offer([Self.driver], on: node)
            let options = try node.options(for: Self.driver)
            let plan = try await node.agent("plan", options)
            #expect(plan.output.contains("nvlsm 2025.10.1-1, infiniband-diags 50.0-1 with zypper"), "\(plan)")
            try await node.agent("install", options)
            let installed = try await repository.installed()
            #expect(installed.contains("nvlsm-2025.10.1-1.noarch"), "\(installed)")
            // What has versions of its own is not held.
            #expect(node.text(HostLayout.fabricPackages)?.contains("hold nvlsm") == false)
        }
    }
}
