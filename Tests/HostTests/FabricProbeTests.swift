import Glibc
import NodeModel
import TestSupport
import Testing

@testable import Host

/// What a host has for NVLink, and what its package manager says about the packages for it.
@Suite struct FabricProbeTests {
    private let tree: TemporaryDirectory

    init() throws { tree = try TemporaryDirectory() }

    private func read() throws -> FabricSurroundings? { FabricProbe(root: try HostRoot(tree.path)).read() }

    private func write(_ path: String, _ text: String) throws { try tree.write(String(path.dropFirst()), text) }

    @Test func readsWhatIsThere() throws {
        #expect(try read() == FabricSurroundings())
        try write(
            HostLayout.fabricManager,
            "# fabricmanager 580.159.04\n\(String(repeating: "a", count: 64))  /usr/bin/x\n"
        )
        try write(FabricSurroundings.subnetManagerFile, "")
        try write("/usr/sbin/ibstat", "")
        try tree.makeDirectory("sys/module/ib_umad")
        try write(FabricSurroundings.imexNodesFile, "# nodes of the domain\n\n10.0.0.1\n  10.0.0.2 \n")
        try write("\(FabricSurroundings.imexChannelDirectory)/channel0", "")
        try write("\(FabricSurroundings.imexChannelDirectory)/other", "")
        #expect(
            try read()
                == FabricSurroundings(
                    archive: "580.159.04",
                    hasSubnetManager: true,
                    hasDiagnostics: true,
                    hasManagementInterface: true,
                    imexNodes: 2,
                    imexChannels: 1
                )
        )
    }

    @Test(arguments: ["", "580.159.04", "# fabricmanager x", "# files 580.159.04"])
    func aListOfAnotherFormHasNoVersion(_ text: String) throws {
        try write(HostLayout.fabricManager, text)
        #expect(try read()?.archive == nil)
    }

    @Test func anInterruptedReplacementIsTheAgents() throws {
        try write(HostLayout.fabricManager, "# fabricmanager incomplete\n")
        #expect(try read()?.archive == FabricSurroundings.incomplete)
    }

    @Test func readsWhatAptOffers() {
        let said = """
            nvidia-fabricmanager-580 | 580.167.08-1 | https://example.com/ubuntu2204/x86_64  Packages
            nvidia-fabricmanager-580 | 580.159.04-1 | https://example.com/ubuntu2204/x86_64  Packages
             nvlsm | 2025.03.9-1 | https://example.com/ubuntu2204/x86_64  Packages
            nvidia-fabricmanager-580 | 580.159.04-1 | https://example.com/ubuntu2204 Sources
            $(reboot) | 1 | https://example.com/ubuntu2204  Packages
            broken

            """
        #expect(
            FabricPackageProbe.parse(said) == [
                OfferedPackage(name: "nvidia-fabricmanager-580", version: "580.167.08-1"),
                OfferedPackage(name: "nvidia-fabricmanager-580", version: "580.159.04-1"),
                OfferedPackage(name: "nvlsm", version: "2025.03.9-1"),
            ]
        )
    }

    /// A download that was interrupted has no checksums yet.
    @Test func listsThePackagesWhoseFilesStay() throws {
        func kept() throws -> Reading<[String: [OfferedPackage]]> { KeptFabricProbe.read(try HostRoot(tree.path)) }
        #expect(try kept() == .absent)
        for name in ["nvidia-fabricmanager-580_580.159.04-1_amd64.deb", "Packages.gz"] {
            try write("\(HostLayout.fabricFiles)/580.159.04/\(name)", "")
        }
        try write("\(HostLayout.fabricFiles)/595.91.07/nvidia-fabricmanager-595.91.07-1.x86_64.rpm", "")
        #expect(try kept() == .absent)
        try write("\(HostLayout.fabricFiles)/580.159.04/\(FabricPackages.checksums)", "")
        let package = OfferedPackage(name: "nvidia-fabricmanager-580", version: "580.159.04-1")
        #expect(try kept() == .present(["580.159.04": [package]]))
    }

    @Test func isSkippedWithoutCommands() async throws {
        let probe = FabricPackageProbe(.apt, root: try HostRoot(tree.path), commands: nil)
        #expect(await probe.packages() == .skipped("the agent runs no commands on the host"))
    }

    @Test(arguments: [
        "libnvidia-compute-580", "libnvidia-gl-580", "libnvidia-ml1", "libcuda1", "nvidia-modprobe",
        "nvidia-persistenced", "nvidia-settings", "nvidia-driver-580", "nvidia-kernel-open-580", "dkms-nvidia",
        "kmod-nvidia-open-dkms", "nvidia-smi", "cuda-drivers",
    ])
    func aPartOfADriverMustNotComeBesideOne(_ name: String) {
        #expect(!matches(name, DriverPackageName.besideDriver) && matches(name, DriverPackageName.notBesideDriver))
    }

    @Test(arguments: [
        "nvidia-fabricmanager-580", "nvidia-fabric-manager", "nvidia-imex", "nvidia-imex-580", "libnvidia-nscq-580",
        "libnvidia-container1", "nvlsm", "infiniband-diags", "libc6", "libibumad3",
    ])
    func otherPackagesMayComeBesideADriver(_ name: String) {
        #expect(matches(name, DriverPackageName.besideDriver) || !matches(name, DriverPackageName.notBesideDriver))
    }

    private func matches(_ name: String, _ patterns: [String]) -> Bool {
        patterns.contains { fnmatch($0, name, 0) == 0 }
    }
}
