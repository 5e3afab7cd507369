import NodeModel
import Testing

@testable import Host

@Suite struct ParserTests {
    @Test(arguments: [
        (
            """
            NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.158.01  Release Build  (dvs-builder@U22)  Fri
            GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)
            """, RunningModule(version: "570.158.01", kernelModuleType: .open)
        ),
        (
            """
            NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27 06:54:38 UTC 2025
            GCC version:  gcc version 11.4.0 (Ubuntu 11.4.0-1ubuntu1~22.04)
            """, RunningModule(version: "580.65.06", kernelModuleType: .proprietary)
        ),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  580.105.08  Release Build",
            RunningModule(version: "580.105.08", kernelModuleType: .open)
        ),
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module\nGCC version: 12.2.0", nil),
        ("GCC version: gcc version 12.2.0", nil),
        ("", nil),
    ])
    func readsWhatTheLoadedModuleSays(_ text: String, _ expected: RunningModule?) {
        #expect(RunningModuleFile.parse(text) == expected)
    }

    @Test(arguments: [
        (
            """
            PRETTY_NAME="Ubuntu 22.04.5 LTS"
            NAME="Ubuntu"
            VERSION_ID="22.04"
            ID=ubuntu
            ID_LIKE=debian
            """, OSRelease(id: "ubuntu", versionID: "22.04", prettyName: "Ubuntu 22.04.5 LTS")
        ),
        (
            "ID='azurelinux'\r\nVERSION_ID=\"3.0\"\r\nPRETTY_NAME=\"Microsoft Azure Linux 3.0\"",
            OSRelease(id: "azurelinux", versionID: "3.0", prettyName: "Microsoft Azure Linux 3.0")
        ),
        (
            "# ID=commented\n\nID=debian\nVERSION_ID=\"\"\nPRETTY_NAME=\"A \\\"quoted\\\" \\$name \\\\\"\nnonsense",
            OSRelease(id: "debian", versionID: nil, prettyName: "A \"quoted\" $name \\")
        ),
        ("PRETTY_NAME='it is \\n raw'", OSRelease(id: "linux", versionID: nil, prettyName: "it is \\n raw")),
        ("ID=arch\nID=later\nPRETTY_NAME=\"", OSRelease(id: "later", versionID: nil, prettyName: "\"")),
    ])
    func readsOSRelease(_ text: String, _ expected: OSRelease) {
        #expect(OSReleaseFile.parse(text) == expected)
    }

    @Test(arguments: [
        (
            "updates/dkms/nvidia-uvm.ko.xz: updates/dkms/nvidia.ko.xz\nupdates/dkms/nvidia.ko.xz:\n",
            "updates/dkms/nvidia.ko.xz"
        ),
        ("kernel/drivers/video/nvidia.ko: kernel/drivers/i2c/i2c-core.ko\n", "kernel/drivers/video/nvidia.ko"),
        (
            "updates/dkms/nvidia-current.ko:\nupdates/dkms/nvidia-current-uvm.ko: updates/dkms/nvidia-current.ko",
            "updates/dkms/nvidia-current.ko"
        ),
        ("updates/dkms/nvidia-current.ko:\nextra/nvidia.ko.zst:\n", "extra/nvidia.ko.zst"),
        ("kernel/fs/ext4/ext4.ko: kernel/lib/nvidia.ko\n", nil),
        ("kernel/net/xnvidia.ko:\n", nil),
    ])
    func findsTheModuleInTheListOfModules(_ text: String, _ expected: String?) {
        #expect(ModuleFileProbe.parseDependencies(text) == expected)
    }

    @Test(arguments: [
        ("#define UTS_RELEASE \"6.1.0-56-cloud-amd64\"\n", "6.1.0-56-cloud-amd64"),
        ("/* generated */\n#define  UTS_RELEASE\t\"5.15.0-1089-azure\"", "5.15.0-1089-azure"),
        ("#define UTS_RELEASE \"\"", nil),
        ("#define OTHER \"6.1\"", nil),
        ("", nil),
    ])
    func readsTheReleaseOfTheHeaders(_ text: String, _ expected: String?) {
        #expect(BuildProbe.parseReleaseHeader(text) == expected)
    }

    @Test(arguments: [
        ("libcuda.so.580.105.08", "580.105.08"), ("libnvidia-ml.so.570.237", "570.237"),
        ("libcuda.so.1", nil), ("libcuda.so", nil), ("libcuda.so.580.105.08-grid", nil), ("libcuda.so.580..08", nil),
    ])
    func takesTheVersionFromALibrarysName(_ name: String, _ expected: String?) {
        #expect(LibraryProbe.version(of: name) == expected)
    }

    @Test(arguments: [(UInt8(62), Architecture.x86_64 as Architecture?), (183, .aarch64), (40, nil)])
    func knowsTheMachineOfAProgram(_ machine: UInt8, _ expected: Architecture?) {
        let header: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + Array(repeating: 0, count: 11) + [machine, 0]
        #expect(MachineProbe.parseELFHeader(header) == expected)
        #expect(MachineProbe.parseELFHeader(header.dropLast()) == nil)
    }

    @Test func cutsAStreamIntoLines() {
        var splitter = LineSplitter()
        #expect(splitter.take(Array("one\ntw".utf8)) == ["one"])
        #expect(splitter.take(Array("o\n\nthr".utf8)) == ["two", ""])
        #expect(splitter.rest == "thr")
        #expect(splitter.take(Array(repeating: 120, count: 70_000)).first?.count == 70_003)
        #expect(splitter.rest == nil)
    }

    /// NVIDIA's installer prints its progress over itself.
    @Test(
        arguments: [
            ("Verifying...   0% \u{8}\u{8}\u{8}\u{8}\u{8} 100% good", "Verifying...  100% good"), ("a\rb", "b"),
            ("a\r", "a"),
            ("a\r\rbc\r", "bc"), ("aé\u{8}\u{8}\u{8}x", "x"), ("\u{8}", ""), ("plain é", "plain é"),
        ]
    ) func showsALineAsATerminalDoes(_ text: String, _ shown: String) {
        var splitter = LineSplitter()
        #expect(splitter.take(Array("\(text)\n".utf8)) == [shown])
        _ = splitter.take(Array(text.utf8))
        #expect(splitter.rest == shown)
    }
}
