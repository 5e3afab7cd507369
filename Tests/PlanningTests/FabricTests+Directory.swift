import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// The packages for NVLink from a directory with RPM packages, and the script that fills it.
extension FabricTests {
    private static let digest = Checksum(.sha256, String(repeating: "ab", count: 32))

    private static func bundle(_ files: [String]) -> PackageBundle {
        PackageBundle(
            kernel: NodeFacts.kernel,
            system: "rocky 9.4",
            architecture: .x86_64,
            names: ["make"],
            directory: "kernel-x",
            files: files.map { PackageBundle.File(fileName: $0, digest: digest, size: 1) }
        )
    }

    @Test(arguments: [
        ("nvidia-fabricmanager-580.159.04-1.x86_64.rpm", "nvidia-fabricmanager", "580.159.04-1"),
        ("infiniband-diags-50.0-1.el9_4.noarch.rpm", "infiniband-diags", "50.0-1.el9_4"),
        ("nvidia-fabricmanager-580_580.159.04-1_amd64.deb", "nvidia-fabricmanager-580", "580.159.04-1"),
        ("t_1%3a2.0_all.deb", "t", "1:2.0"),
    ])
    func theNameOfAFileTellsItsPackage(_ file: String, _ name: String, _ version: String) {
        #expect(Self.bundle([file]).offered == [OfferedPackage(name: name, version: version)])
    }

    @Test(arguments: [
        "make-4.rpm", "make-4.noarch.rpm", "make--1.x86_64.rpm", "make-4-.noarch.rpm", "4-1.rpm", ".rpm", "repomd.xml",
        FabricPackages.checksums, "Packages.gz", "make.deb", "make_4.deb", "_4_all.deb",
    ])
    func otherFilesAreNoPackages(_ file: String) {
        #expect(Self.bundle([file]).offered.isEmpty)
    }

    @Test(arguments: [("rocky", "9.4", "dnf"), ("sles", "15.6", "zypper"), ("azurelinux", "3.0", "tdnf")])
    func aDirectoryCanHaveRPMPackages(_ id: String, _ versionID: String, _ program: String) throws {
        let files = [
            "nvidia-fabricmanager-\(Self.version)-1.x86_64.rpm", "nvlsm-2025.10.1-1.x86_64.rpm",
            "infiniband-diags-50.0-1.x86_64.rpm", "repomd.xml",
        ]
        let facts = Self.fresh().with {
            $0.host.osRelease = .present(OSRelease(id: id, versionID: versionID, prettyName: nil))
            $0.build.packageTools = .present([program])
            $0.build.bundle = .present(Self.bundle(files))
        }
        let need = FabricManagerNeed(isNeeded: true, why: "No switch is visible.", subnetManager: true)
        let plan = Self.install(facts, need, archive: Self.archive, source: .directory("/mnt/drivers"))
        // dnf copies the files to where they stay, so that a later way back has them.
        let before: [StepID] = program == "dnf" ? [.downloadFabricPackages] : []
        #expect(fabric(plan) == before + [.fabricPackages, .fabricManager])
        let step = try #require(plan.steps.first { $0.id == before.first ?? .fabricPackages })
        let packages = "nvidia-fabricmanager 595.91.07-1, nvlsm 2025.10.1-1, infiniband-diags 50.0-1"
        let verb = program == "dnf" ? "download" : "install"
        #expect(step.title == "\(verb) \(packages) with \(program) from /mnt/drivers/kernel-x")
        #expect(step.effects.count { $0.kind == "copy" } == files.count)
        guard case .job(let job) = try #require(step.effects.first { $0.kind == "job" }) else {
            Issue.record("no job")
            return
        }
        #expect(job.environment["GPU_AGENT_BUNDLE"] == "\(HostLayout.work)/packages")
        // No repository counts then.
        let other = facts.with {
            $0.build.fabricPackages = $0.build.bundle.map(\.offered)
            $0.build.bundle = .absent
        }
        let without = Self.install(other, need, source: .directory("/mnt/drivers"))
        #expect(fabric(without) == [])
    }

    @Test(arguments: ["debian 12", "rocky 9.4", "sles 15.6", "azurelinux 3.0"])
    func theScriptGetsTheNamesOfThePackages(_ system: String) throws {
        let words = system.split(separator: " ").map(String.init)
        let release = OSRelease(id: words[0], versionID: words[1], prettyName: nil)
        let driver = try #require(DriverVersion("580.159.04"))
        let command = try #require(MirrorScript.command(kernel: "6.1.0-1-default", fabric: driver, on: release))
        let names = [
            "nvidia-fabricmanager-580 nvidia-fabricmanager nvidia-fabric-manager", "nvidia-imex-580 nvidia-imex",
        ]
        #expect(([driver.description] + names).allSatisfy(command.contains))
        #expect(command.dropFirst(3).contains { $0.contains("nvlsm") })
        let plain = try #require(MirrorScript.command(kernel: "6.1.0-1-default", on: release))
        #expect(!plain.contains(driver.description) && !names.contains(where: plain.contains))
    }
}
