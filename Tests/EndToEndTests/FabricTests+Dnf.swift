import NodeModel
import Planning
import TestSupport
import Testing

/// The fabric manager and IMEX from a repository of RPM packages, with the real dnf 4, dnf 5 and rpm.
extension FabricTests {
    /// A program for NVLink and its package.
    struct Offer {
        var package: String
        var program: String
        /// What the program prints before its version.
        var words: String

        static let fabricManager = Offer(
            package: "nvidia-fabricmanager",
            program: "nv-fabricmanager",
            words: "Fabric Manager version is :"
        )
        static let imex = Offer(package: "nvidia-imex", program: "nvidia-imex", words: "IMEX version is:")
    }

    /// Makes the host one of the Red Hat family, on which dnf has run.
    static func makeRepository(on node: SimulatedNode, dnf5: Bool) async throws -> RPMRepository {
        if dnf5 { try await node.replaceDnf() }
        let kernel = "5.14.0-427.el9.x86_64"
        let repository = try await RPMRepository(node, Dnf(), kernel: kernel, build: "/usr/src/kernels/\(kernel)")
        let system = """
            printf 'ID=rocky\\nVERSION_ID=9.4\\nID_LIKE="rhel"\\n' >/run/os-release
            rm -f /etc/os-release /usr/lib/os-release
            mv /run/os-release /etc/os-release
            mkdir -p /etc/udev/rules.d
            dnf -qy install t-make
            dnf -qy remove t-make
            """
        try await node.run(["sh", "-ec", system])
        return repository
    }

    /// Adds a program for NVLink in some versions.
    static func add(
        _ offer: Offer,
        _ versions: [String],
        requires dependency: String? = nil,
        to repository: RPMRepository
    ) async throws {
        let unit = "\(offer.package).service"
        for version in versions {
            let files = "/run/files/\(version)"
            let words = "\(offer.words) \(version)"
            let script = "root=\(files)\n" + Self.program(offer.program, words, offer.package, units: "units")
            try await repository.node.run(["sh", "-ec", script])
            try await repository.add([
                RPMRepository.Spec(
                    name: offer.package,
                    version: "\(version)-1",
                    fields: ["AutoReqProv: no"] + (dependency.map { ["Requires: \($0)"] } ?? []),
                    copies: [
                        "/usr/bin/\(offer.program)": "\(files)/usr/bin/\(offer.program)",
                        "/usr/lib/systemd/system/\(unit)": "\(files)/units/\(unit)",
                    ]
                )
            ])
        }
        try await repository.node.run(["sh", "-ec", "rm -r /run/files; dnf -q makecache --refresh"])
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
    func comesFromARepositoryOfDnf() async throws { try await comesFromARepository(dnf5: false) }

    @Test(.having("rpmbuild", "createrepo_c"), .havingDnf5)
    func comesFromARepositoryOfDnf5() async throws { try await comesFromARepository(dnf5: true) }

    private func comesFromARepository(dnf5: Bool) async throws {
        try await Self.withNVSwitch { node in
            let repository = try await Self.makeRepository(on: node, dnf5: dnf5)
            try await Self.add(.fabricManager, [Self.driver, "580.167.08"], to: repository)
            let before = try await repository.installed()
            try await node.takeFirstLedger()
            let options = try await expectInstall(with: "dnf", on: node)
            // Without its plugin, dnf 4 holds nothing.
            let held = "hold nvidia-fabricmanager\nmade \(Dnf5Tests.locks)\n"
            #expect(node.text(HostLayout.fabricPackages) == "add nvidia-fabricmanager\n" + (dnf5 ? held : ""))
            #expect(try await node.agent("plan", options).output.contains("none, because there is nothing to do"))
            if dnf5 {
                // An update does not bring the fabric manager of another driver.
                try await node.run(["dnf", "-y", "upgrade", "nvidia-fabricmanager"])
                #expect(try await repository.installed().contains("nvidia-fabricmanager-\(Self.driver)-1.noarch"))
            }

            try await node.uninstall().expectExit(0)
            expectSame(try await repository.installed(), before)
            #expect(!node.exists(HostLayout.fabricPackages))
            try await node.expectUninstalled(apartFrom: namedByUninstall.union(try await node.writtenByDnf()))
        }
    }

    /// The repository has the old version no longer, so the way back needs the files that the agent kept.
    @Test(.having("dnf", "rpmbuild", "createrepo_c"))
    func anUpgradeReplacesThePackagesOfDnfAndGoesBack() async throws {
        try await upgradesAndGoesBack(dnf5: false)
    }

    /// The lock of dnf 5 on the installed version would hide every other version.
    @Test(.having("rpmbuild", "createrepo_c"), .havingDnf5)
    func anUpgradeReplacesThePackagesOfDnf5AndGoesBack() async throws { try await upgradesAndGoesBack(dnf5: true) }

    private func upgradesAndGoesBack(dnf5: Bool) async throws {
        try await Self.withNVSwitch { node in
            let new = "595.99.02"
            let repository = try await Self.makeRepository(on: node, dnf5: dnf5)
            // The agent has verified the files, and their packages have no signatures.
            let strict = "mkdir -p /etc/dnf; printf '[main]\\nlocalpkg_gpgcheck=1\\n' >/etc/dnf/dnf.conf"
            try await node.run(["sh", "-ec", strict])
            try await repository.add([RPMRepository.Spec(name: "t-library", version: "1-1")])
            try await Self.add(.fabricManager, [Self.driver, new], requires: "t-library", to: repository)
            func expectLock(_ version: String) {
                guard dnf5 else { return }
                #expect(node.text(Dnf5Tests.locks)?.contains("value = \"\(version)-1\"") == true)
                #expect(node.text(HostLayout.fabricPackages)?.contains("hold nvidia-fabricmanager\n") == true)
            }
            let before = try await repository.installed()
            _ = try await expectInstall(with: "dnf", on: node)
            // The system updates a dependency, whose old file is beside that of the fabric manager.
            try await repository.add([RPMRepository.Spec(name: "t-library", version: "2-1")])
            try await node.run(["sh", "-ec", "dnf -q makecache --refresh; dnf -qy upgrade t-library"])
            let remove = "rm /repo/noarch/nvidia-fabricmanager-\(Self.driver)*; createrepo_c -q /repo"
            let fault = "echo 'fault nvmlInit_v2 code=999 version=\(new)' >>/etc/gpu-sim/hardware"
            try await node.run(["sh", "-ec", "\(remove); dnf -q makecache --refresh; \(fault)"])
            let options = try node.options(for: new)
            let failed = try await node.agent("install", options)
            failed.expectExit(1)
            let words = "driver-rolled-back: The agent went back to driver \(Self.driver)"
            #expect(failed.errors.contains(words), "\(failed)")
            expectLock(Self.driver)
            #expect(try await repository.installed().contains("nvidia-fabricmanager-\(Self.driver)-1.noarch"))
            #expect(try await repository.installed().contains("t-library-2-1.noarch"))
            try await node.run(["systemctl", "is-active", "nvidia-fabricmanager"])

            try await node.run(["sed", "-i", "/^fault/d", "/etc/gpu-sim/hardware"])
            try await node.agent("install", options).expectExit(0)
            expectLock(new)
            #expect(try await repository.installed().contains("nvidia-fabricmanager-\(new)-1.noarch"))
            try await node.run(["systemctl", "is-active", "nvidia-fabricmanager"])
            #expect(try await state("fabric-manager-version-mismatch", node, options) == "pass")

            try await node.uninstall().expectExit(0)
            expectSame(try await repository.installed(), before)
            #expect(!node.exists(HostLayout.fabricFiles) && !node.exists(Dnf5Tests.locks))
        }
    }

    @Test(.having("dnf", "rpmbuild", "createrepo_c"))
    func aPackageWithoutItsSignatureIsNotKept() async throws { try await needsSignatures(dnf5: false) }

    /// dnf 5 does not verify what it only downloads, nor what it installs from files.
    @Test(.having("rpmbuild", "createrepo_c"), .havingDnf5)
    func aPackageWithoutItsSignatureIsNotKeptWithDnf5() async throws { try await needsSignatures(dnf5: true) }

    private func needsSignatures(dnf5: Bool) async throws {
        try await Self.withNVSwitch { node in
            let repository = try await Self.makeRepository(on: node, dnf5: dnf5)
            try await Self.add(.fabricManager, [Self.driver], to: repository)
            // Without a key, dnf 4 refuses the repository before it looks at the signature of the package.
            let checked = "s,^gpgcheck=0,gpgcheck=1\\ngpgkey=file:///etc/os-release,"
            try await node.run(["sed", "-i", checked, "/etc/yum.repos.d/test.repo"])
            let before = try await repository.installed()
            let install = try await node.agent("install", try node.options(for: Self.driver))
            install.expectExit(1)
            let words = "fabric-packages-failed: dnf cannot download nvidia-fabricmanager"
            #expect(install.errors.contains(words), "\(install)")
            #expect(install.errors.contains("not signed") || install.errors.contains("GPG check FAILED"), "\(install)")
            #expect(try node.journal().steps.last?.step == .downloadFabricPackages)
            #expect(!node.exists("\(HostLayout.fabricFiles)/\(Self.driver)/\(FabricPackages.checksums)"))
            expectSame(try await repository.installed(), before)
        }
    }

    @Test(.having("dnf", "rpmbuild", "createrepo_c"))
    func imexComesFromARepositoryOfDnf() async throws { try await imexComesFromARepository(dnf5: false) }

    @Test(.having("rpmbuild", "createrepo_c"), .havingDnf5)
    func imexComesFromARepositoryOfDnf5() async throws { try await imexComesFromARepository(dnf5: true) }

    private func imexComesFromARepository(dnf5: Bool) async throws {
        try await SimulatedNode.with("h100", set: ["systemd=yes"]) { node in
            let version = "595.99.02"
            let cluster =
                "trait.fabricState=3 trait.fabricStatus=0 trait.fabricClique=1 "
                + "trait.fabricCluster=0123456789abcdef0123456789abcdef"
            try await node.run(["sed", "-i", "/^gpu 0/s/$/ \(cluster)/", "/etc/gpu-sim/hardware"])
            let repository = try await Self.makeRepository(on: node, dnf5: dnf5)
            let before = try await repository.installed()
            try await node.takeFirstLedger()
            try await node.agent("install").expectExit(0)
            #expect(try await state("imex-missing", node, []) == "notice")
            try await Self.add(.imex, [version], to: repository)
            try await node.agent("install").expectExit(0)
            #expect(try await state("imex-missing", node, []) == "pass")
            #expect(try await repository.installed().contains("nvidia-imex-\(version)-1.noarch"))
            try await node.uninstall().expectExit(0)
            expectSame(try await repository.installed(), before)
            try await node.expectUninstalled(apartFrom: namedByUninstall.union(try await node.writtenByDnf()))
        }
    }
}
