import NodeModel
import Planning
import TestSupport
import Testing

/// The fabric manager and IMEX from a repository of RPM packages, with the real dnf and rpm.
extension FabricTests {
    /// Makes the host one of the Red Hat family, whose repository has a program for NVLink in two versions.
    private static func offer(
        _ package: String,
        _ program: String,
        _ words: String,
        _ versions: [String],
        on node: SimulatedNode
    ) async throws -> RPMRepository {
        let kernel = "5.14.0-427.el9.x86_64"
        let repository = try await RPMRepository(node, Dnf(), kernel: kernel, build: "/usr/src/kernels/\(kernel)")
        let unit = "\(package).service"
        for version in versions {
            let files = "/run/files/\(version)"
            let script = "root=\(files)\n" + Self.program(program, "\(words) \(version)", package, units: "units")
            try await node.run(["sh", "-ec", script])
            try await repository.add([
                RPMRepository.Spec(
                    name: package,
                    version: "\(version)-1",
                    fields: ["AutoReqProv: no"],
                    copies: [
                        "/usr/bin/\(program)": "\(files)/usr/bin/\(program)",
                        "/usr/lib/systemd/system/\(unit)": "\(files)/units/\(unit)",
                    ]
                )
            ])
        }
        let system = "printf 'ID=rocky\\nVERSION_ID=9.4\\nID_LIKE=\"rhel\"\\n' >/run/os-release"
        let command = "\(system); rm -f /etc/os-release /usr/lib/os-release; mv /run/os-release /etc/os-release"
        try await node.run(["sh", "-ec", "\(command); dnf -q makecache"])
        return repository
    }

    /// Installs the driver, and expects the fabric manager of its version from packages of RPM.
    ///
    /// - Returns: The options of the agent.
    func expectInstall(with program: String, on node: SimulatedNode) async throws -> [String] {
        let options = try node.options(for: Self.driver)
        let plan = try await node.agent("plan", options)
        #expect(plan.output.contains("install nvidia-fabricmanager \(Self.driver)-1 with \(program)"), "\(plan)")
        try await node.agent("install", options).expectExit(0)
        let steps = try node.journal().steps.map(\.step)
        let order: [StepID] = [.downloadFabricPackages, .install, .load, .fabricPackages, .fabricManager, .verify]
        #expect(steps.filter(order.contains) == order, "\(steps)")
        try await node.run(["systemctl", "is-active", "nvidia-fabricmanager"])
        #expect(try await state("fabric-manager-version-mismatch", node, options) == "pass")
        return options
    }

    @Test(.having("dnf", "rpmbuild", "createrepo_c"))
    func comesFromARepositoryOfDnf() async throws {
        try await Self.withNVSwitch { node in
            let repository = try await Self.offer(
                "nvidia-fabricmanager",
                "nv-fabricmanager",
                "Fabric Manager version is :",
                [Self.driver, "580.167.08"],
                on: node
            )
            let before = try await repository.installed()
            let options = try await expectInstall(with: "dnf", on: node)
            // Without the plugin of dnf, nothing is held.
            #expect(node.text(HostLayout.fabricPackages) == "add nvidia-fabricmanager\n")
            #expect(try await node.agent("plan", options).output.contains("none, because there is nothing to do"))

            try await node.uninstall().expectExit(0)
            expectSame(try await repository.installed(), before)
            #expect(!node.exists(HostLayout.fabricPackages) && node.processes() == [])
        }
    }

    @Test(.having("dnf", "rpmbuild", "createrepo_c"))
    func imexComesFromARepositoryOfDnf() async throws {
        try await SimulatedNode.with("h100", set: ["systemd=yes"]) { node in
            let version = "595.99.02"
            let cluster =
                "trait.fabricState=3 trait.fabricStatus=0 trait.fabricClique=1 "
                + "trait.fabricCluster=0123456789abcdef0123456789abcdef"
            try await node.run(["sed", "-i", "/^gpu 0/s/$/ \(cluster)/", "/etc/gpu-sim/hardware"])
            try await node.agent("install").expectExit(0)
            #expect(try await state("imex-missing", node, []) == "notice")
            let repository = try await Self.offer(
                "nvidia-imex",
                "nvidia-imex",
                "IMEX version is:",
                [version],
                on: node
            )
            let before = try await repository.installed()
            try await node.agent("install").expectExit(0)
            #expect(try await state("imex-missing", node, []) == "pass")
            #expect(try await repository.installed().contains("nvidia-imex-\(version)-1.noarch"))
            try await node.uninstall().expectExit(0)
            expectSame(try await repository.installed(), before)
        }
    }
}
