import NodeModel
import Support
import TestSupport
import Testing

@testable import Host

/// Reads the license files and the programs of a driver from a directory tree.
@Suite struct LicenseProbeTests {
    private let tree: TemporaryDirectory

    init() throws { tree = try TemporaryDirectory() }

    private func read() throws -> DriverSurroundings { SurroundingsProbe(root: try HostRoot(tree.path)).read() }

    private static let token = "header.payload.signature\n"
    private static let digest = Checksum.sha256(of: Array(token.utf8))

    private func write(_ path: String, _ text: String) throws { try tree.write(String(path.dropFirst()), text) }

    @Test func theChecksumIsThatOfTheBytes() {
        #expect(
            Checksum.sha256(of: Array("abc".utf8)).hex
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
    }

    @Test func recognizesTheAgentsOwnFiles() throws {
        #expect(try read().license == LicenseFiles())
        try write(LicenseFiles.configuration, LicensePolicy(feature: .vgpu).text)
        try write(LicenseFiles.tokenPath, Self.token)
        try write(HostLayout.licenseToken, "\(String(repeating: "0", count: 64))\n\(Self.digest.hex)\n")
        let found = try read()
        #expect(found.license == LicenseFiles(token: Self.digest))
        #expect(found.ownFiles[LicenseFiles.configuration]?.last == "FeatureType=1")
    }

    @Test func namesTheFilesOfOthers() throws {
        try write(LicenseFiles.configuration, "FeatureType=2\n")
        try write(LicenseFiles.tokenPath, Self.token)
        let other = LicenseFiles.tokenDirectory + "/client_configuration_token_11-28-2026.tok"
        try write(other, "x")
        try write(LicenseFiles.tokenDirectory + "/README", "x")
        let foreign = [LicenseFiles.tokenPath, other, LicenseFiles.configuration]
        #expect(try read().license == LicenseFiles(foreign: foreign.sorted()))
        // The agent wrote another token, which somebody has replaced.
        try write(HostLayout.licenseToken, "\(String(repeating: "0", count: 64))\n")
        #expect(try read().license?.token == nil)
    }

    /// A link or a large file in the place of the token is not the agent's, and is not read.
    @Test func aLinkIsNotTheAgentsToken() throws {
        try write("/token", Self.token)
        try tree.makeDirectory(String(LicenseFiles.tokenDirectory.dropFirst()))
        try tree.link(String(LicenseFiles.tokenPath.dropFirst()), to: "/token")
        try write(HostLayout.licenseToken, "\(Self.digest.hex)\n")
        #expect(try read().license == LicenseFiles(foreign: [LicenseFiles.tokenPath]))
    }

    @Test func whatCannotBeReadIsNotKnown() throws {
        try tree.write("etc/nvidia", "a file in the place of the directory")
        #expect(try read().license == nil)
    }

    @Test func findsTheProgramAndItsUnit() throws {
        #expect(try read().programs?["nvidia-gridd"] == DriverProgram())
        try write("/usr/bin/nvidia-gridd", "")
        try write("/usr/lib/systemd/system/nvidia-gridd.service", "")
        try tree.makeDirectory("run/systemd/system")
        let found = try read()
        let program = DriverProgram(
            path: "/usr/bin/nvidia-gridd",
            unitFile: "/usr/lib/systemd/system/nvidia-gridd.service"
        )
        #expect(found.hasSystemd == true && found.program(.licenseDaemon) == program)
        try tree.makeDirectory("etc/systemd/system")
        try tree.link("etc/systemd/system/nvidia-gridd.service", to: "/dev/null")
        #expect(try read().program(.licenseDaemon)?.unitFile == "/etc/systemd/system/nvidia-gridd.service")
    }

    @Test func readsTheVersionOfTheFabricManager() {
        #expect(DriverProgramProbe.version(in: "Fabric Manager version is : 580.105.08\n") == "580.105.08")
        #expect(DriverProgramProbe.version(in: "nv-fabricmanager: error 4, see 10.0.0.1\n") == nil)
        #expect(DriverService.Program.fabricManager.processName == "nv-fabricmanage")
    }

    @Test func theProcessesTellWhatRuns() throws {
        try tree.makeDirectory("sys/module/nvidia")
        // A copied tree has no processes.
        #expect(try read().program(.licenseDaemon)?.isRunning == nil)
        try tree.write("proc/1/comm", "systemd\n")
        try tree.write("proc/self/comm", "nvidia-gridd\n")
        #expect(try read().program(.licenseDaemon)?.isRunning == false)
        try tree.write("proc/42/comm", "nvidia-gridd\n")
        try tree.write("proc/42/stat", "42 (nvidia-gridd) Z 1 42")
        #expect(try read().program(.licenseDaemon)?.isRunning == false)
        try tree.write("proc/42/stat", "42 (nvidia-gridd) S 1 42")
        #expect(try read().program(.licenseDaemon)?.isRunning == true)
    }
}
