import NodeModel
import Planning
import TestSupport
import Testing

/// The fabric manager from a repository of Azure Linux, with `TdnfStandIn` and the real rpm.
extension FabricTests {
    /// Makes the host one of Azure Linux, whose repository has the fabric manager in these versions.
    private static func offerToTdnf(_ versions: [String], on node: SimulatedNode) async throws -> RPMRepository {
        let repository = try await makeRepository(on: node, dnf5: false)
        try await add(.fabricManager, versions, to: repository)
        try await repository.add([
            RPMRepository.Spec(name: "nvlsm", version: "2025.9.1-1"),
            RPMRepository.Spec(name: "nvlsm", version: "2025.10.1-1"),
            RPMRepository.Spec(name: "infiniband-diags", version: "50.0-1"),
        ])
        try await TdnfStandIn.install(on: node)
        try await node.run(["sh", "-c", "printf 'ID=azurelinux\\nVERSION_ID=\"3.0\"\\n' >/etc/os-release"])
        return repository
    }

    private static let downloads = "\(HostLayout.packages)/fabric-packages"

    @Test(.having("dnf", "rpmbuild", "createrepo_c"))
    func comesFromARepositoryOfTdnf() async throws {
        try await Self.withNVSwitch { node in
            let repository = try await Self.offerToTdnf([Self.driver, "580.167.08"], on: node)
            let before = try await repository.installed()
            let options = try await expectInstall(with: "tdnf", on: node)
            #expect(
                node.text(HostLayout.fabricPackages) == "add nvidia-fabricmanager\nhold nvidia-fabricmanager\n"
            )
            #expect(node.text("/etc/tdnf/locks.d/gpu-agent.conf") == "nvidia-fabricmanager\n")
            #expect(!node.exists(Self.downloads))
            #expect(try await node.agent("plan", options).output.contains("none, because there is nothing to do"))

            try await node.uninstall().expectExit(0)
            expectSame(try await repository.installed(), before)
            #expect(!node.exists("/etc/tdnf/locks.d") && node.processes() == [])
        }
    }

    /// What is downloaded before the driver is replaced needs no repository afterwards.
    @Test(.having("dnf", "rpmbuild", "createrepo_c"))
    func tdnfInstallsWhatItDownloaded() async throws {
        try await Self.withNVSwitch { node in
            _ = try await Self.offerToTdnf([Self.driver], on: node)
            // The repository goes when the driver is loaded, after the download and before the install.
            let script = """
                real=$(command -v modprobe)
                mkdir /run/real
                ln -s "$(readlink -f "$real")" /run/real/modprobe
                rm "$real"
                printf '#!/bin/sh\\nrm -rf /repo\\nexec /run/real/modprobe "$@"\\n' >"$real"
                chmod 755 "$real"
                """
            try await node.run(["sh", "-ec", script])
            try await node.agent("install", try node.options(for: Self.driver)).expectExit(0)
            #expect(!node.exists("/repo/noarch"))
            try await node.run(["systemctl", "is-active", "nvidia-fabricmanager"])
        }
    }

    /// On boards since B200, the newest subnet manager comes along.
    @Test(.having("dnf", "rpmbuild", "createrepo_c"))
    func theSubnetManagerComesFromARepositoryOfTdnf() async throws {
        try await Self.withB200 { node in
            let repository = try await Self.offerToTdnf([Self.driver], on: node)
            let options = try node.options(for: Self.driver)
            let plan = try await node.agent("plan", options)
            #expect(plan.output.contains("nvlsm 2025.10.1-1, infiniband-diags 50.0-1 with tdnf"), "\(plan)")
            try await node.agent("install", options)
            let installed = try await repository.installed()
            #expect(installed.contains("nvlsm-2025.10.1-1.noarch"), "\(installed)")
            #expect(node.text(HostLayout.fabricPackages)?.contains("hold nvlsm") == false)
        }
    }
}
