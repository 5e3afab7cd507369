import FoundationEssentials
import Glibc
import NodeModel
import TestSupport
import Testing

@testable import Host

/// Reads the driver and the tools of a build from a directory tree that was copied from a node, without running
/// commands.
@Suite struct HostProbeTests {
    private let tree: TemporaryDirectory
    private let probe: HostProbe

    init() throws {
        tree = try TemporaryDirectory()
        probe = HostProbe(root: try HostRoot(tree.path), commands: nil)
    }

    @Test func saysAbsentForAnEmptyTree() async {
        let host = await probe.hostFacts()
        #expect(
            host
                == HostFacts(
                    kernelRelease: .absent,
                    architecture: .absent,
                    osRelease: .absent,
                    dmi: .absent,
                    hypervisor: .absent,
                    bootID: .absent,
                    secureBoot: .absent,
                    lockdown: .absent,
                    signatureEnforcement: .absent,
                    usrIsReadOnly: .absent,
                    pendingKernel: .absent
                )
        )
        let driver = await probe.driverFacts(record: .absent)
        #expect(
            driver
                == DriverFacts(
                    loadedVersion: .absent,
                    moduleLoad: .absent,
                    runningModule: .absent,
                    moduleFile: .absent,
                    nvmlLibrary: .absent,
                    cudaLibrary: .absent,
                    otherLibraries: .present([]),
                    gridDaemon: .absent,
                    loadedModules: .absent,
                    nouveauLoaded: .absent,
                    deviceNodes: .absent,
                    record: .absent,
                    surroundings: DriverSurroundings(
                        foreignFiles: [],
                        hasUdevRules: false,
                        hasSystemd: false,
                        programs: [
                            "nvidia-gridd": DriverProgram(), "nvidia-persistenced": DriverProgram(),
                            "nv-fabricmanager": DriverProgram(), "nvidia-imex": DriverProgram(),
                        ],
                        fabric: FabricSurroundings(),
                        license: LicenseFiles()
                    )
                )
        )
        let build = await probe.buildFacts()
        #expect(build.compiler.isAbsent && build.make.isAbsent && build.headersRelease.isAbsent)
        let places = ["/", "/usr", "/var/lib", "/tmp", "/var/lib/gpu-agent", "/var/cache", "/lib/modules", "/boot"]
        #expect(build.freeSpace.map(\.path) == places)
        #expect(build.freeSpace.map(\.mebibytes.isAbsent) == places.map { $0 != "/" })
        #expect(build.noExec.isAbsent && build.initramfsMebibytes.isAbsent)
    }

    @Test func cutsListsWithoutEnd() async throws {
        for number in 0..<3000 { try tree.write("sys/module/nvidia_\(number)/refcnt", "0\n") }
        try tree.write("sys/module/nvidia_vgpu_vfio/refcnt", "0\n")
        let driver = await probe.driverFacts(record: .absent)
        #expect(driver.loadedModules.value?.count == 1000)
        #expect(driver.loadedModules.value?.contains("nvidia_vgpu_vfio") == true)
        #expect(driver.leftOut == ["loadedModules": 2001])
        for number in 0..<1200 { try tree.write("run/nvidia/validations/\(number)", "") }
        let claims = await ClaimProbe(root: try HostRoot(tree.path), commands: nil).claimFacts()
        #expect(claims.leftOut == ["driverContainer.validations": 200])
    }

    /// The driver's own modules use each other, and an install unloads all of them.
    @Test func findsTheModulesOfOthersThatUseTheDriver() async throws {
        try tree.makeDirectory("sys/module/nvidia_uvm/holders")
        for holder in ["nvidia_uvm", "nv_peer_mem", "beegfs"] {
            try tree.makeDirectory("sys/module/nvidia/holders/\(holder)")
        }
        try tree.makeDirectory("sys/module/mlx5_core/holders/mlx5_ib")
        #expect(await probe.driverFacts(record: .absent).moduleHolders == ["nvidia": ["beegfs", "nv_peer_mem"]])
        for number in 0..<1200 { try tree.makeDirectory("sys/module/nvidia_uvm/holders/m\(number)") }
        let driver = await probe.driverFacts(record: .absent)
        #expect(driver.moduleHolders?["nvidia_uvm"]?.count == 1000 && driver.leftOut == ["moduleHolders": 200])
    }

    @Test func readsADriverWhoseSourcesDisagree() async throws {
        try tree.write("sys/module/nvidia/version", "570.211.01\n")
        try tree.write(
            "proc/driver/nvidia/version",
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.211.01  Thu Jan  1 00:00:00 UTC 2026\n"
        )
        let libraries = "usr/lib/x86_64-linux-gnu"
        for name in ["libnvidia-ml.so", "libcuda.so", "libnvidia-ptxjitcompiler.so"] {
            try tree.write("\(libraries)/\(name).580.159.04", "")
            try tree.link("\(libraries)/\(name).1", to: "\(name).580.159.04")
        }
        try tree.write("\(libraries)/libnvidia-container.so.1", "")
        try tree.write("\(libraries)/libcudadebugger.so.1", "")
        try tree.write("\(libraries)/libc.so.6", "")
        try tree.write("usr/bin/nvidia-gridd", "")
        try tree.makeDirectory("sys/module/nouveau")
        for name in ["nvidia0", "null", "nvidia-caps/nvidia-cap1"] { try tree.write("dev/\(name)", "") }
        let driver = await probe.driverFacts(record: .skipped("no journal in this test"))
        #expect(driver.loadedVersion == .present("570.211.01"))
        #expect(driver.runningModule == .present(RunningModule(version: "570.211.01", kernelModuleType: .proprietary)))
        let nvml = LibraryFile(path: "/\(libraries)/libnvidia-ml.so.580.159.04", version: "580.159.04")
        #expect(driver.nvmlLibrary == .present(nvml))
        #expect(driver.cudaLibrary.value?.version == "580.159.04")
        #expect(driver.gridDaemon == .present("/usr/bin/nvidia-gridd"))
        #expect(driver.nouveauLoaded == .present(true))
        #expect(driver.deviceNodes == .present([]) && driver.unusableNodes?.keys.sorted() == ["nvidia0"])
        #expect(driver.record == .skipped("no journal in this test"))

        let own = try await probe.driverLibraries()
        #expect(
            own.filter { $0.name.hasSuffix(".1") }.map(\.name) == [
                "libcuda.so.1", "libcudadebugger.so.1", "libnvidia-container.so.1", "libnvidia-ml.so.1",
                "libnvidia-ptxjitcompiler.so.1",
            ]
        )
        #expect(own.count == 8)
        #expect(own.filter { $0.path.lastComponent.hasSuffix(".580.159.04") }.count == 6)
    }

    @Test func followsDebiansChainOfLinks() async throws {
        let libraries = "usr/lib/x86_64-linux-gnu"
        try tree.write("\(libraries)/nvidia/current/libcuda.so.535.261.03", "")
        try tree.link("\(libraries)/nvidia/current/libcuda.so.1", to: "libcuda.so.535.261.03")
        try tree.link("etc/alternatives/nvidia--libcuda.so.1", to: "/\(libraries)/nvidia/current/libcuda.so.1")
        try tree.link("\(libraries)/libcuda.so.1", to: "/etc/alternatives/nvidia--libcuda.so.1")
        let path = "/\(libraries)/nvidia/current/libcuda.so.535.261.03"
        let driver = await probe.driverFacts(record: .absent)
        #expect(driver.cudaLibrary == .present(LibraryFile(path: path, version: "535.261.03")))
        #expect(driver.nvmlLibrary == .absent)
    }

    @Test func findsFurtherCopiesOfTheLibraries() async throws {
        func library(_ place: String, _ name: String, _ version: String) throws {
            try tree.write("\(place)/\(name).\(version)", "")
            try tree.link("\(place)/\(name).1", to: "\(name).\(version)")
        }
        try library("usr/lib/x86_64-linux-gnu", "libcuda.so", "570.211.01")
        try library("usr/lib/x86_64-linux-gnu", "libnvidia-ml.so", "570.211.01")
        // The same files under other names are no further copies.
        try tree.link("lib64", to: "usr/lib/x86_64-linux-gnu")
        try tree.link("usr/local/lib64/libcuda.so.1", to: "/usr/lib/x86_64-linux-gnu/libcuda.so.1")
        try library("usr/bin/lib64", "libcuda.so", "580.159.04")
        try library("home/kubernetes/bin/nvidia/lib64", "libnvidia-ml.so", "580.65.06")
        let driver = await probe.driverFacts(record: .absent)
        #expect(driver.cudaLibrary.value?.version == "570.211.01")
        let others = [
            LibraryFile(
                path: "/home/kubernetes/bin/nvidia/lib64/libnvidia-ml.so.580.65.06",
                version: "580.65.06"
            ), LibraryFile(path: "/usr/bin/lib64/libcuda.so.580.159.04", version: "580.159.04"),
        ]
        #expect(driver.otherLibraries == .present(others))
        try tree.write("usr/local/nvidia/lib64/libcuda.so.1", "")
        let failure = await probe.driverFacts(record: .absent).otherLibraries.failure
        #expect(failure?.reason == .malformed)
        #expect(failure?.detail.contains("/usr/local/nvidia/lib64/libcuda.so.1") == true)
    }

    @Test func looksAtTheModuleOfTheRunningKernelOnly() async throws {
        try tree.write("proc/sys/kernel/osrelease", "6.1.0-56-cloud-amd64\n")
        try tree.write("lib/modules/6.1.0-55-cloud-amd64/updates/dkms/nvidia.ko", "not even a module")
        #expect(await probe.driverFacts(record: .absent).moduleFile == .absent)

        let module = "lib/modules/6.1.0-56-cloud-amd64/updates/dkms/nvidia.ko"
        try tree.write(module, "not even a module")
        let failure = await probe.driverFacts(record: .absent).moduleFile.failure
        #expect(failure == ReadFailure(.malformed, "/\(module): the file ends inside the ELF header"))

        try tree.write("lib/modules/6.1.0-56-cloud-amd64/extra/nvidia.ko.xz", "compressed")
        try tree.write("lib/modules/6.1.0-56-cloud-amd64/modules.dep", "extra/nvidia.ko.xz:\n")
        let compressed = await probe.driverFacts(record: .absent).moduleFile.failure
        #expect(compressed?.reason == .command)
    }

    /// A kernel refuses a module of another one, but only when it should load the module.
    @Test func aModuleOfAnotherKernelIsAbsent() async throws {
        try tree.write("proc/sys/kernel/osrelease", "6.1.0-56-amd64\n")
        let place = "lib/modules/6.1.0-56-amd64/updates/nvidia.ko"
        func write(_ path: String, _ vermagic: String) throws {
            try tree.write(path, bytes: moduleFile("version=595.91.07", "license=NVIDIA", "vermagic=\(vermagic)"))
        }
        try write(place, "6.1.0-56-amd64 SMP preempt mod_unload modversions ")
        let expected = ModuleFile(path: "/\(place)", version: "595.91.07", kernelModuleType: .proprietary)
        #expect(await probe.driverFacts(record: .absent).moduleFile == .present(expected))
        try write(place, "6.1.0-55-amd64 SMP preempt mod_unload modversions ")
        let why = "/\(place) is for the kernel 6.1.0-55-amd64"
        #expect(await probe.driverFacts(record: .absent).moduleFile == .absentBecause(why))
        #expect(await probe.driverFacts(record: .absent).presence(of: "595.91.07") == .incomplete(why))

        // What weak-modules makes, where this kernel can load the module of an earlier one.
        let other = "lib/modules/6.1.0-55-amd64/extra/nvidia.ko"
        try write(other, "6.1.0-55-amd64 SMP preempt mod_unload modversions ")
        try tree.link("lib/modules/6.1.0-56-amd64/weak-updates/nvidia.ko", to: "/\(other)")
        try tree.write("lib/modules/6.1.0-56-amd64/modules.dep", "weak-updates/nvidia.ko:\n")
        #expect(await probe.driverFacts(record: .absent).moduleFile.value?.path == "/\(other)")
    }

    @Test(arguments: ["6.1\0", "../../etc", "..", "6.1/x", ""])
    func takesAHostileKernelReleaseForMalformed(_ release: String) async throws {
        try tree.write("proc/sys/kernel/osrelease", release)
        #expect(await probe.driverFacts(record: .absent).moduleFile.failure?.reason == .malformed)
        #expect(await probe.buildFacts().headersRelease.failure?.reason == .malformed)
    }

    @Test(arguments: ["updates\0/nvidia.ko", "../../../etc/nvidia.ko", "/etc/../etc/nvidia.ko"])
    func takesAHostileListOfModulesForMalformed(_ place: String) async throws {
        try tree.write("proc/sys/kernel/osrelease", "6.1.0-56-cloud-amd64\n")
        try tree.write("etc/nvidia.ko", "not even a module")
        try tree.write("lib/modules/6.1.0-56-cloud-amd64/modules.dep", "\(place):\n")
        let failure = await probe.driverFacts(record: .absent).moduleFile.failure
        #expect(failure?.reason == .malformed)
        #expect(failure?.detail.contains("is not a valid file name") == true)
    }

    @Test func readsTheToolsOfABuild() async throws {
        try tree.write("proc/sys/kernel/osrelease", "6.1.0-56-cloud-amd64\n")
        try tree.write("usr/bin/x86_64-linux-gnu-gcc-12", "")
        #expect(chmod(tree.path("usr/bin/x86_64-linux-gnu-gcc-12"), 0o755) == 0)
        try tree.link("usr/bin/gcc", to: "x86_64-linux-gnu-gcc-12")
        try tree.link("etc/alternatives/cc", to: "/usr/bin/gcc")
        try tree.link("usr/bin/cc", to: "/etc/alternatives/cc")
        try tree.write("usr/bin/make", "not executable")
        let headers = "usr/src/linux-headers-6.1.0-56-cloud-amd64"
        try tree.link("lib/modules/6.1.0-56-cloud-amd64/build", to: "/\(headers)")
        try tree.write("\(headers)/include/config/kernel.release", "6.1.0-56-cloud-amd64\n")
        var build = await probe.buildFacts()
        #expect(build.compiler == .present("/usr/bin/cc"))
        #expect(build.make == .absent)
        #expect(build.headersRelease == .present("6.1.0-56-cloud-amd64"))
        try tree.write("\(headers)/include/generated/utsrelease.h", "#define UTS_RELEASE \"6.1.0-55-cloud-amd64\"\n")
        build = await probe.buildFacts()
        #expect(build.headersRelease == .present("6.1.0-55-cloud-amd64"))
        #expect(build.freeSpace.first { $0.path == "/usr" }?.mebibytes.value != nil)
    }

    @Test(arguments: ["gcc-13", "gcc13-gcc"])
    func findsTheCompilerOfTheKernelsVersion(_ name: String) async throws {
        try tree.write(
            "proc/version",
            "Linux version 6.8.0 (b@h) (x86_64-linux-gnu-gcc-13 (Ubuntu 13.3.0-6) 13.3.0) #1\n"
        )
        for other in ["gcc", "gcc-12", "gcc-1"] { try executable("usr/bin/\(other)") }
        #expect(await probe.buildFacts().namedCompiler == .absent)
        try executable("usr/bin/\(name)")
        #expect(await probe.buildFacts().namedCompiler == .present("/usr/bin/\(name)"))
        // The options of clang are others.
        try tree.write("proc/version", "Linux version 6.8.0 (b@h) (clang version 13.0.1, LLD 13.0.1) #1\n")
        #expect(await probe.buildFacts().namedCompiler == .absent)
    }

    /// A command on the host costs more than all other facts, so it needs a reason.
    @Test func asksForTheVersionOfTheCompilerOnlyBeforeABuild() async throws {
        try executable("usr/bin/cc")
        let noCommands = Reading<Compiler>.skipped("the agent runs no commands on the host")
        #expect(await probe.buildFacts().compilerVersion == noCommands)
        try tree.write("sys/module/nvidia/version", "595.91.07\n")
        try tree.write("proc/sys/kernel/osrelease", "6.1.0-56-amd64\n")
        #expect(await probe.buildFacts().compilerVersion == .skipped("a driver is loaded"))
        try tree.write("boot/vmlinuz-6.1.0-57-amd64", "")
        try tree.write("lib/modules/6.1.0-57-amd64/modules.dep", "")
        #expect(await probe.buildFacts().compilerVersion == noCommands)
        let module = moduleFile("version=595.91.07", "license=NVIDIA", "vermagic=6.1.0-57-amd64 SMP ")
        try tree.write("lib/modules/6.1.0-57-amd64/updates/nvidia.ko", bytes: module)
        #expect(await probe.buildFacts().compilerVersion == .skipped("a driver is loaded"))
    }

    @Test func findsTheProgramsThatInstallPackages() async throws {
        #expect(await probe.buildFacts().packageTools == .absent)
        try executable("usr/bin/zypper")
        try executable("usr/bin/apt-get")
        try tree.write("usr/bin/dnf", "not executable")
        #expect(await probe.buildFacts().packageTools == .present(["apt-get", "zypper"]))
    }

    private func executable(_ path: String) throws {
        try tree.write(path, "")
        #expect(chmod(tree.path(path), 0o755) == 0)
    }
}
