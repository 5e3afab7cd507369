import Glibc
import NodeModel
import TestSupport
import Testing

@testable import Host

/// Reads what is around a driver from a directory tree.
@Suite struct SurroundingsProbeTests {
    private let tree: TemporaryDirectory

    init() throws { tree = try TemporaryDirectory() }

    private func read() throws -> DriverSurroundings { SurroundingsProbe(root: try HostRoot(tree.path)).read() }

    private static let parameters = ModuleParameters([
        "nvidia": ["NVreg_EnableMSI": "0", "NVreg_RestrictProfilingToAdminUsers": "0", "NVreg_NotPrinted": "1"],
        "nvidia-uvm": ["uvm_perf": "1"],
    ])

    @Test func readsTheParametersThatAreInForce() throws {
        try tree.write(String(ModuleParameters.path.dropFirst()), Self.parameters.text)
        try tree.write(
            "proc/driver/nvidia/params",
            "EnableMSI: 1\nRmProfilingAdminOnly: 1\nRegistryDwords: \"a=1\"\n"
        )
        try tree.write("sys/module/nvidia_uvm/parameters/uvm_perf", "1\n")
        let found = try read()
        #expect(found.ownFiles == [ModuleParameters.path: OwnFile.lines(Self.parameters.text)])
        #expect(
            found.parametersInForce == [
                "nvidia": ["NVreg_EnableMSI": "1", "NVreg_RestrictProfilingToAdminUsers": "1"],
                "nvidia-uvm": ["uvm_perf": "1"],
            ]
        )
    }

    @Test func theFileOfAnotherProgramIsNotTheAgents() throws {
        try tree.write(String(ModuleParameters.path.dropFirst()), "options nvidia NVreg_EnableMSI=0\n")
        #expect(try read().ownFiles.isEmpty)
        try tree.write(String(ModuleParameters.path.dropFirst()), OwnFile.mark + String(repeating: "x", count: 600_000))
        #expect(try read().ownFiles.isEmpty)
    }

    /// Another program's file, a mask of udev, and a link that leads nowhere are in the place of the agent's files.
    @Test func namesWhatIsInThePlaceOfItsFiles() throws {
        #expect(try read().foreignFiles == [])
        try tree.write(String(OwnFile.blacklist.dropFirst()), "blacklist nouveau\n")
        try tree.write(String(ModuleParameters.path.dropFirst()), Self.parameters.text)
        try tree.makeDirectory("etc/udev/rules.d")
        try tree.link(String(OwnFile.deviceRule.dropFirst()), to: "/dev/null")
        try tree.makeDirectory("etc/systemd/system")
        try tree.link(String(OwnFile.persistenceUnit.dropFirst()), to: "/nowhere")
        #expect(try read().foreignFiles == [OwnFile.blacklist, OwnFile.persistenceUnit, OwnFile.deviceRule])
    }

    @Test func namesTheFilesInItsDirectory() throws {
        #expect(try read().stateFiles == nil)
        try tree.write("var/lib/gpu-agent/journal.json", "{}")
        try tree.makeDirectory("var/lib/gpu-agent/jobs")
        #expect(try read().stateFiles == ["jobs", "journal.json"])
    }

    @Test func readsTheFormatOfTheDriver() {
        let text = "RegistryDwords: \"a=1;b=2\"\nExcludedGpus: \"\"\nDmaRemapPeerMmio: 4294967295\nno colon\n"
        #expect(
            SurroundingsProbe.parse(text) == [
                "NVreg_RegistryDwords": "a=1;b=2", "NVreg_ExcludedGpus": "", "NVreg_DmaRemapPeerMmio": "4294967295",
            ]
        )
    }

    /// The files of a loaded driver with two GPUs and MIG, and no device node.
    private func loadDriver() throws {
        try tree.write("proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: X\nDevice Minor: \t 0\n")
        try tree.write("proc/driver/nvidia/gpus/0000:02:00.0/information", "Device Minor: \t 1\n")
        try tree.write("proc/driver/nvidia/capabilities/mig/config", "DeviceFileMinor: 1\nDeviceFileModify: 1\n")
        try tree.write("proc/driver/nvidia/capabilities/gpu0/mig/gi1/access", "DeviceFileMinor: 12\n")
        try tree.write("proc/driver/nvidia/capabilities/fabric-imex-mgmt", "DeviceFileMinor: 0\nDeviceFileModify: 0\n")
        try tree.makeDirectory("sys/module/nvidia_uvm")
        try tree.makeDirectory("sys/module/nvidia_modeset")
        try tree.write("usr/bin/nvidia-modprobe", "")
    }

    @Test func findsTheNodesThatTheDriverOffers() throws {
        #expect(try read().missingNodes == nil)
        try loadDriver()
        try tree.write("dev/nvidia1", "")
        #expect(
            try read().missingNodes == [
                "nvidia-caps/nvidia-cap1", "nvidia-caps/nvidia-cap12", "nvidia-modeset", "nvidia-uvm-tools", "nvidia0",
            ]
        )
    }

    @Test(arguments: [("proc/driver/nvidia/params", "ModifyDeviceFiles: 0\n"), ("usr/bin/nvidia-modprobe", nil)])
    func asksForNoNodeThatNobodyMayCreate(path: String, text: String?) throws {
        try loadDriver()
        unlink(tree.path(path))
        if let text { try tree.write(path, text) }
        #expect(try read().missingNodes == nil)
    }

    @Test func aHostWithoutTheDirectoryNeedsNoLinks() throws {
        let found = try read()
        #expect(found.links == nil && found.nodesWithoutLink == nil && found.hasUdevRules == false)
        try tree.makeDirectory("dev/char")
        try tree.write("dev/nvidia0", "not a device")
        #expect(try read().links == [])
        #expect(try read().nodesWithoutLink == [])
    }

    @Test(.enabled(if: getuid() == 0))
    func findsNodesWithoutALink() throws {
        try tree.makeDirectory("dev/char")
        try tree.makeDirectory("dev/nvidia-caps")
        for (name, minor) in [("nvidia0", UInt64(0)), ("nvidia1", 1), ("nvidia2", 2), ("nvidia-caps/nvidia-cap3", 3)] {
            try #require(mknod(tree.path("dev/\(name)"), S_IFCHR | 0o666, dev_t(195 << 8 | minor)) == 0)
        }
        try tree.link("dev/char/195:0", to: "../nvidia0")
        try tree.link("dev/char/195:1", to: "../nvidia2")
        try tree.link("dev/char/195:3", to: "../nvidia-caps/nvidia-cap3")
        let found = try read()
        #expect(found.links == ["195:0", "195:3"])
        #expect(found.nodesWithoutLink == ["nvidia1", "nvidia2"])
    }
}
