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
        try tree.write(String(ModuleParameters.path.dropFirst()), OwnFile.mark + String(repeating: "x", count: 200_000))
        #expect(try read().ownFiles.isEmpty)
    }

    @Test func readsTheFormatOfTheDriver() {
        let text = "RegistryDwords: \"a=1;b=2\"\nExcludedGpus: \"\"\nDmaRemapPeerMmio: 4294967295\nno colon\n"
        #expect(
            SurroundingsProbe.parse(text) == [
                "NVreg_RegistryDwords": "a=1;b=2", "NVreg_ExcludedGpus": "", "NVreg_DmaRemapPeerMmio": "4294967295",
            ]
        )
    }
}
