import FoundationEssentials
import Glibc
import NodeModel
import TestSupport
import Testing

@testable import Host

/// Reads a directory tree that was copied from a node, without running commands.
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
                    usrIsReadOnly: .absent
                )
        )
        let driver = await probe.driverFacts(record: .absent)
        #expect(
            driver
                == DriverFacts(
                    loadedVersion: .absent,
                    runningModule: .absent,
                    moduleFile: .absent,
                    nvmlLibrary: .absent,
                    cudaLibrary: .absent,
                    otherLibraries: .present([]),
                    gridDaemon: .absent,
                    loadedModules: .absent,
                    nouveauLoaded: .absent,
                    deviceNodes: .absent,
                    record: .absent
                )
        )
        let build = await probe.buildFacts()
        #expect(build.compiler.isAbsent && build.make.isAbsent && build.headersRelease.isAbsent)
        #expect(build.freeSpace.map(\.path) == ["/", "/usr", "/var/lib", "/tmp"])
        #expect(build.freeSpace.map(\.mebibytes.isAbsent) == [false, true, true, true])
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

    @Test func readsTheMachine() async throws {
        try tree.write("proc/sys/kernel/osrelease", "5.15.0-1089-azure\n")
        try tree.write("proc/sys/kernel/arch", "x86_64\n")
        try tree.write("proc/sys/kernel/random/boot_id", "2f1c6a0e-3b51-4b8e-9f52-0c0e1a7d9b11\n")
        try tree.write("usr/lib/os-release", "ID=ubuntu\nVERSION_ID=\"22.04\"\n")
        try tree.link("etc/os-release", to: "../usr/lib/os-release")
        try tree.write("sys/devices/virtual/dmi/id/sys_vendor", "Microsoft Corporation\n")
        try tree.write("sys/devices/virtual/dmi/id/product_name", "Virtual Machine\n")
        try tree.write("sys/devices/virtual/dmi/id/chassis_asset_tag", "\n")
        try tree.link("sys/class/dmi/id", to: "../../devices/virtual/dmi/id")
        let host = await probe.hostFacts()
        #expect(host.kernelRelease == .present("5.15.0-1089-azure"))
        #expect(host.architecture == .present(.x86_64))
        #expect(host.bootID == .present("2f1c6a0e-3b51-4b8e-9f52-0c0e1a7d9b11"))
        #expect(host.osRelease == .present(OSRelease(id: "ubuntu", versionID: "22.04", prettyName: nil)))
        let dmi = DMIFacts(
            systemVendor: "Microsoft Corporation",
            productName: "Virtual Machine",
            chassisAssetTag: nil
        )
        #expect(host.dmi == .present(dmi))
    }

    @Test(
        arguments: [
            ("overlay / rw,relatime", nil, false), ("ext2 / ro,relatime", nil, true),
            ("ext4 / rw,relatime", "ext4 /usr ro,relatime", true), ("ext4 / ro", "btrfs /usr rw", false),
            ("ext4 / rw", "ext4 /usr/local ro", false), ("ext4 / rw", "ext4 /us ro", false),
        ] as [(String, String?, Bool)]
    )
    func tellsWhetherUsrIsReadOnly(_ first: String, _ second: String?, _ expected: Bool) async throws {
        let lines = [first, second].compactMap(\.self).enumerated().map { number, text in
            let words = text.split(separator: " ")
            return "\(30 + number) 1 254:0 / \(words[1]) \(words[2]) shared:1 - \(words[0]) /dev/vda rw"
        }
        try tree.write("proc/1/mountinfo", lines.joined(separator: "\n") + "\n")
        #expect(await probe.hostFacts().usrIsReadOnly == .present(expected))
    }

    @Test func theOptionsOfTheFileSystemCountToo() {
        #expect(
            MountTable.isReadOnly("/usr", in: "30 1 7:0 / / rw shared:1 - squashfs /dev/loop0 ro,errors=continue")
                == true
        )
        #expect(MountTable.isReadOnly("/usr", in: "nonsense") == nil)
    }

    @Test func readsWhatXenAndItsFirmwareSay() async throws {
        let dmi = "sys/class/dmi/id"
        for (name, text) in [
            ("sys_vendor", "Xen"), ("product_name", "HVM domU"), ("product_version", "4.11.amazon"),
            ("bios_version", "4.11.amazon"), ("product_uuid", "ec2a1b2c-0000-1111-2222-333344445555"),
        ] { try tree.write("\(dmi)/\(name)", "\(text)\n") }
        for (name, text) in [("major", "4"), ("minor", "11"), ("extra", ".amazon")] {
            try tree.write("sys/hypervisor/version/\(name)", "\(text)\n")
        }
        let expected = DMIFacts(
            systemVendor: "Xen",
            productName: "HVM domU",
            chassisAssetTag: nil,
            productVersion: "4.11.amazon",
            biosVersion: "4.11.amazon",
            productUUID: "ec2a1b2c-0000-1111-2222-333344445555",
            hypervisorVersion: "4.11.amazon"
        )
        #expect(await probe.hostFacts().dmi == .present(expected))
    }

    @Test(
        arguments: [
            ("proc/sys/kernel/osrelease", "6.1.0-56-cloud-amd64\n", .present(.x86_64)),
            ("proc/sys/kernel/osrelease", "6.1.141-155.222.amzn2023.aarch64\n", .present(.aarch64)),
            ("proc/sys/kernel/osrelease", "6.8.0-1044-aws\n", .absent),
            (
                "proc/version", "Linux version 6.12.1 (build@host) (aarch64-linux-gnu-gcc 13) #1 SMP\n",
                .present(.aarch64)
            ),
            (
                "var/lib/dpkg/status",
                "Package: libc6\nArchitecture: i386\n\nPackage: dpkg\nStatus: ok\nArchitecture: arm64\n",
                .present(.aarch64)
            ),
            ("lib64/ld-linux-x86-64.so.2", "", .present(.x86_64)), ("lib/ld-musl-aarch64.so.1", "", .present(.aarch64)),
        ] as [(String, String, Reading<Architecture>)]
    )
    func findsTheArchitectureInNames(_ path: String, _ text: String, _ expected: Reading<Architecture>) async throws {
        try tree.write(path, text)
        #expect(await probe.hostFacts().architecture == expected)
    }

    @Test func twoLoadersTellNoArchitecture() async throws {
        try tree.write("lib64/ld-linux-x86-64.so.2", "")
        try tree.write("lib/ld-linux-aarch64.so.1", "")
        #expect(await probe.hostFacts().architecture == .absent)
    }

    @Test func findsTheArchitectureInTheShellsHeader() async throws {
        let header: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + Array(repeating: 0, count: 11) + [183, 0, 1, 0]
        try tree.write("usr/bin/dash", bytes: header)
        try tree.link("usr/bin/sh", to: "dash")
        try tree.link("bin", to: "/usr/bin")
        #expect(await probe.hostFacts().architecture == .present(.aarch64))
        try tree.write("usr/bin/dash", "#!/bin/true, not a program of this kind")
        #expect(await probe.hostFacts().architecture.failure?.reason == .malformed)
    }

    @Test(arguments: [([6, 0, 0, 0, 1], true), ([6, 0, 0, 0, 0], false)] as [([UInt8], Bool)])
    func readsSecureBoot(_ bytes: [UInt8], _ expected: Bool) async throws {
        let variables = "sys/firmware/efi/efivars"
        try tree.write("\(variables)/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", bytes: bytes)
        #expect(await probe.hostFacts().secureBoot == .present(expected))
    }

    @Test func doesNotTakeAnUnmountedEfivarfsForNoSecureBoot() async throws {
        let variables = "sys/firmware/efi/efivars"
        try tree.makeDirectory(variables)
        #expect(await probe.hostFacts().secureBoot.failure?.reason == .io)
        try tree.write("\(variables)/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", bytes: [6, 0, 0])
        #expect(await probe.hostFacts().secureBoot.failure?.reason == .malformed)
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

    @Test(
        arguments: [
            ("processor\t: 0\nflags\t\t: fpu vme hypervisor lahf_lm\n", .present(true)),
            ("processor\t: 0\nflags\t\t: fpu vme lahf_lm\nprocessor: 1\nflags : hypervisor\n", .present(false)),
            ("processor\t: 0\nmodel name: hypervisor\nflags2 : hypervisor\nflags:\n", .present(false)),
            ("processor\t: 0\nFeatures\t: fp asimd evtstrm\n", .absent), ("", .absent),
        ] as [(String, Reading<Bool>)]
    )
    func readsWhetherThereIsAHypervisor(_ text: String, _ expected: Reading<Bool>) async throws {
        try tree.write("proc/cpuinfo", text)
        #expect(await probe.hostFacts().hypervisor == expected)
    }

    @Test func agreesWithThisMachinesProcessor() async throws {
        let text = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
        let flags = text.split(separator: "\n").first { $0.hasPrefix("flags") }
        let hypervisor = await HostProbe(root: try HostRoot("/"), commands: nil).hostFacts().hypervisor
        #expect(hypervisor.value == flags?.split(separator: " ").contains("hypervisor"))
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
}
