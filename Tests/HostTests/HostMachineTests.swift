import FoundationEssentials
import NodeModel
import TestSupport
import Testing

@testable import Host

/// Reads the machine from a directory tree that was copied from a node, without running commands.
@Suite struct HostMachineTests {
    private let tree: TemporaryDirectory
    private let probe: HostProbe

    init() throws {
        tree = try TemporaryDirectory()
        probe = HostProbe(root: try HostRoot(tree.path), commands: nil)
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

    @Test func tellsWhereNoProgramCanRun() async throws {
        let lines = ["30 1 254:0 / / rw - ext4 /dev/vda rw", "31 30 254:1 / /var rw,noexec,nodev - ext4 /dev/vdb rw"]
        try tree.write("proc/1/mountinfo", lines.joined(separator: "\n") + "\n")
        try tree.write("boot/initrd.img-1", String(repeating: "x", count: (2 << 20) + 1))
        try tree.write("boot/initramfs-2.img", "x")
        let build = await probe.buildFacts()
        #expect(build.noExec == .present(["/var/lib", "/var/lib/gpu-agent", "/var/cache"]))
        #expect(build.initramfsMebibytes == .present(3))
        let (root, boot) = (build.freeSpace.first { $0.path == "/" }, build.freeSpace.first { $0.path == "/boot" })
        #expect(root?.fileSystem != nil && root?.fileSystem == boot?.fileSystem)
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
}
