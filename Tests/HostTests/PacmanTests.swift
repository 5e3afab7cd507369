import Glibc
import NodeModel
import TestSupport
import Testing

@testable import Host

/// Finds packages of NVIDIA's driver on Arch Linux.
@Suite struct PacmanTests {
    @Test func readsWhatPacmanSays() {
        let said = """
            egl-wayland 4:1.1.20-1
            lib32-nvidia-utils 595.91.07-1
            libnvidia-container 1.19.0-1
            linux 6.18.4.arch1-1
            nvidia-open 595.91.07-3
            nvidia-settings 595.91.07-1
            nvidia-utils 595.91.07-1
            half
            """
        let names = Pacman().parse(said).map { "\($0.manager.rawValue) \($0.name) \($0.version)" }
        #expect(
            names == [
                "pacman lib32-nvidia-utils 595.91.07-1", "pacman nvidia-open 595.91.07-3",
                "pacman nvidia-utils 595.91.07-1",
            ]
        )
        #expect(Pacman().parse("").isEmpty)
    }

    @Test(arguments: [
        ("nvidia", true), ("nvidia-lts", true), ("nvidia-open-dkms", true), ("opencl-nvidia", true),
        ("nvidia-470xx-dkms", true), ("cuda", false), ("nvtop", false), ("nvidia-container-toolkit", false),
    ])
    func tellsTheDriverFromItsNeighbors(_ name: String, _ isDriver: Bool) {
        #expect(Pacman().isDriver(name, version: "595.91.07-1") == isDriver)
    }

    @Test func removesAllPackagesAtOnce() {
        let removal = Pacman().removal(of: ["nvidia-open", "nvidia-utils"])
        #expect(removal.commands == [["pacman", "--remove", "--noconfirm", "nvidia-open", "nvidia-utils"]])
        #expect(PackageManagers.named(.pacman)?.removal(of: ["a"]).subject == "pacman --remove")
    }

    @Test func isAskedOnlyWhereItsDatabaseIs() async throws {
        let tree = try TemporaryDirectory()
        let probe = ClaimProbe(root: try HostRoot(tree.path), commands: nil)
        #expect(await probe.packages.packages(of: Pacman()) == .absent)
        try tree.write("var/lib/pacman/local/ALPM_DB_VERSION", "9\n")
        let missing = await probe.claimFacts().packages.failure
        #expect(missing?.detail.contains(": there is no /usr/bin/pacman") == true)
    }
}
