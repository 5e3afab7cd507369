import NodeModel
import Testing

@testable import Host

/// The lines of the kernel log that say why a driver does not work.
@Suite struct KernelLogTests {
    @Test func keepsTheLastLinesAboutTheDriver() {
        let log = """
            [    0.000000] Linux version 6.8.0
            [   10.1] nvidia: module license 'NVIDIA' taints kernel.
            [   10.2] NVRM: The NVIDIA GPU 0001:00:00.0 (PCI ID: 10de:2bb5)
            [   10.2] NVRM: installed in this system is not supported by the
            [   10.2] NVRM: NVIDIA 595.91.07 driver release.
            [   10.3] eth0: link is up
            [   10.4] NVRM: None of the NVIDIA devices were initialized.
            [   11.4] NVRM: None of the NVIDIA devices were initialized.
            [   11.5] nvidia: probe of 0001:00:00.0 failed with error -1
            """
        #expect(
            KernelLog.lines(in: log) == [
                "NVRM: The NVIDIA GPU 0001:00:00.0 (PCI ID: 10de:2bb5)",
                "NVRM: installed in this system is not supported by the",
                "NVRM: NVIDIA 595.91.07 driver release.",
                "nvidia: probe of 0001:00:00.0 failed with error -1",
            ]
        )
    }

    /// NVIDIA's driver writes each of these reasons as one message of many lines.
    @Test func keepsTheReasonAndNotTheReferencesToDocumentation() {
        let log = """
            [   13.520000] NVRM: The NVIDIA GPU 0001:00:00.0 (PCI ID: 10de:1db4)
                           NVRM: installed in this system is not supported by open
                           NVRM: nvidia.ko because it does not include the required GPU
                           NVRM: System Processor (GSP).
                           NVRM: Please see the 'Open Linux Kernel Modules' and 'GSP
                           NVRM: Firmware' sections in the driver README, available on
                           NVRM: the Linux graphics driver download page at
                           NVRM: www.nvidia.com.
            [   13.530000] nvidia: probe of 0001:00:00.0 failed with error -1
            [   13.540000] NVRM: The NVIDIA probe routine failed for 1 device(s).
            [   13.540000] NVRM: None of the NVIDIA devices were initialized.
            """
        #expect(
            KernelLog.lines(in: log) == [
                "NVRM: The NVIDIA GPU 0001:00:00.0 (PCI ID: 10de:1db4)",
                "NVRM: installed in this system is not supported by open",
                "NVRM: nvidia.ko because it does not include the required GPU",
                "NVRM: System Processor (GSP).",
                "nvidia: probe of 0001:00:00.0 failed with error -1",
            ]
        )
    }

    @Test func keepsTheLinesAboutTheGPUsThatAreLost() throws {
        let log = """
            [    1.000000] pci 0001:3b:00.0: [10de:2330] type 00 class 0x030200
            [   10.2] NVRM: loading NVIDIA UNIX Open Kernel Module for x86_64  595.71.05
            [  900.1] NVRM: Xid (PCI:0001:18:00): 13, Graphics Exception
            [  901.1] pcieport 0001:3a:00.0: AER: Multiple Uncorrected (Fatal) error received: 0001:3b:00.0
            [  901.2] NVRM: Xid (PCI:0001:3b:00): 79, pid=4711, name=python, GPU has fallen off the bus.
            [  901.3] NVRM: GPU 0001:3b:00.0: GPU has fallen off the bus.
            """
        let lost = try #require(PCIAddress("0001:3b:00.0"))
        #expect(
            KernelLog.lines(in: log, about: [lost]) == [
                "pcieport 0001:3a:00.0: AER: Multiple Uncorrected (Fatal) error received: 0001:3b:00.0",
                "NVRM: Xid (PCI:0001:3b:00): 79, pid=4711, name=python, GPU has fallen off the bus.",
                "NVRM: GPU 0001:3b:00.0: GPU has fallen off the bus.",
            ]
        )
        #expect(KernelLog.lines(in: log, about: []) == [])
    }

    private static let load = "[    5.4] nvidia-nvlink: Nvlink Core is being initialized, major device number 236"

    /// The lines are from public reports, with the addresses and times changed.
    @Test(
        arguments: [
            (
                """
                [    5.559842] NVRM: The NVIDIA GPU 0001:3b:00.0 (PCI ID: 10de:2c58)
                               NVRM: installed in this system requires use of the NVIDIA open kernel modules.
                [    5.559858] NVRM: GPU 0001:3b:00.0: RmInitAdapter failed! (0x22:0x56:884)
                [    5.560313] NVRM: GPU 0001:3b:00.0: rm_init_adapter failed, device minor number 0
                """,
                [
                    "NVRM: The NVIDIA GPU 0001:3b:00.0 (PCI ID: 10de:2c58) installed in this system requires use of the "
                        + "NVIDIA open kernel modules.",
                    "NVRM: GPU 0001:3b:00.0: RmInitAdapter failed! (0x22:0x56:884)",
                ]
            ),
            (
                """
                [   37.010658] NVRM: This PCI I/O region assigned to your NVIDIA device is invalid:
                               NVRM: BAR1 is 0M @ 0x0 (PCI:0001:3b:00.0)
                [   37.010700] NVRM: GPU at 0001:18:00.0 has software scheduler DISABLED with policy BEST_EFFORT.
                """,
                [
                    "NVRM: This PCI I/O region assigned to your NVIDIA device is invalid: "
                        + "BAR1 is 0M @ 0x0 (PCI:0001:3b:00.0)"
                ]
            ),
            (
                """
                [    2.831115] pci 0001:3b:00.0: BAR 1 [mem size 0x400000000 64bit pref]: can't assign; no space
                [    2.831120] pci 0001:3b:00.0: BAR 1 [mem size 0x400000000 64bit pref]: failed to assign
                [    2.831121] pci 0001:3b:00.0: VF BAR 2 [mem size 0x10000000 64bit pref]: can't assign; no space
                [    2.831122] pci 0001:3b:00.0: BAR 5 [io  size 0x0080]: can't assign; no space
                """,
                ["pci 0001:3b:00.0: BAR 1 [mem size 0x400000000 64bit pref]: can't assign; no space"]
            ),
            (
                """
                [  903.609564] NVRM: RmInitAdapter: Cannot initialize GSP firmware RM
                [  903.610907] NVRM: GPU 0001:3b:00.0: RmInitAdapter failed! (0x62:0x65:1792)
                """,
                [
                    "NVRM: RmInitAdapter: Cannot initialize GSP firmware RM; "
                        + "NVRM: GPU 0001:3b:00.0: RmInitAdapter failed! (0x62:0x65:1792)"
                ]
            ),
            (
                """
                [    9.1] NVRM: request_mem_region failed for 16M @ 0xf6000000. This can
                [    9.1] NVRM: occur when a driver such as rivatv is loaded and claims
                [    9.1] NVRM: ownership of the device's registers.
                [    9.2] nvidia: probe of 0001:3b:00.0 failed with error -1
                """,
                [
                    "NVRM: request_mem_region failed for 16M @ 0xf6000000. This can occur when a driver such as rivatv is "
                        + "loaded and claims ownership of the device's registers.; "
                        + "nvidia: probe of 0001:3b:00.0 failed with error -1"
                ]
            ),
            (
                "[    9.3] nvidia 0001:3b:00.0: Direct firmware load for nvidia/565.57.01/gsp_tu10x.bin "
                    + "failed with error -2",
                ["nvidia 0001:3b:00.0: Direct firmware load for nvidia/565.57.01/gsp_tu10x.bin failed with error -2"]
            ),
            ("[    9.2] nvidia: probe of 0001:3b:00.0 failed with error -1", []),
        ]
    )
    func aMessageOfSeveralLinesKeepsItsReason(log: String, lines: [String]) throws {
        let gpu = try #require(PCIAddress("0001:3b:00.0"))
        #expect(KernelLog.lines(in: log, about: [gpu]) == lines)
    }

    /// The driver was replaced, and the next one failed for another reason.
    @Test func whatAnEarlierLoadSaidDoesNotCount() throws {
        let log = """
            [    2.8] pci 0001:3b:00.0: BAR 1 [mem size 0x400000000 64bit pref]: can't assign; no space
            [    3.1] nouveau 0001:3b:00.0: Direct firmware load for nvidia/ga102/gsp.bin failed with error -2
            \(Self.load)
            [    5.4] nvidia 0001:3b:00.0: Direct firmware load for nvidia/565.57.01/gsp_tu10x.bin failed with error -2
            [    5.5] NVRM: The NVIDIA GPU 0001:3b:00.0 (PCI ID: 10de:2c58)
                      NVRM: installed in this system requires use of the NVIDIA open kernel modules.
            [    6.0] NVRM: Xid (PCI:0001:3b:00): 79, pid=4711, name=python, GPU has fallen off the bus.
            \(Self.load)
            [   95.6] NVRM: GPU 0001:3b:00.0: RmInitAdapter failed! (0x24:0x72:1568)
            """
        let gpu = try #require(PCIAddress("0001:3b:00.0"))
        #expect(
            KernelLog.lines(in: log, about: [gpu]) == [
                "pci 0001:3b:00.0: BAR 1 [mem size 0x400000000 64bit pref]: can't assign; no space",
                "NVRM: Xid (PCI:0001:3b:00): 79, pid=4711, name=python, GPU has fallen off the bus.",
                "NVRM: GPU 0001:3b:00.0: RmInitAdapter failed! (0x24:0x72:1568)",
            ]
        )
    }

    @Test func aGPUWithManyLinesDoesNotHideTheOthers() throws {
        let noise = (0..<20).map { "[9.\($0)] NVRM: GPU 0001:18:00.0: RmInitAdapter failed! (0x24:0x72:\($0))" }
        let log = (["[5.1] NVRM: GPU 0001:3b:00.0: RmInitAdapter failed! (0x62:0x65:1792)"] + noise)
            .joined(separator: "\n")
        let gpus = try ["0001:18:00.0", "0001:3b:00.0"].map { try #require(PCIAddress($0)) }
        let lines = KernelLog.lines(in: log, about: gpus)
        #expect(lines.count == 7)
        #expect(lines.first == "NVRM: GPU 0001:3b:00.0: RmInitAdapter failed! (0x62:0x65:1792)")
    }

    /// Two GPUs fail at once, and the message about the first one ends in the middle.
    @Test func aLineAboutAnotherGPUIsNotAPartOfTheMessage() throws {
        let log = """
            [    5.1] NVRM: The NVIDIA GPU 0001:3b:00.0 (PCI ID: 10de:2c58)
            [    5.1] NVRM: GPU 0001:18:00.0: RmInitAdapter failed! (0x24:0x72:1568)
            """
        let gpus = try ["0001:18:00.0", "0001:3b:00.0"].map { try #require(PCIAddress($0)) }
        let lines = [
            "NVRM: The NVIDIA GPU 0001:3b:00.0 (PCI ID: 10de:2c58)",
            "NVRM: GPU 0001:18:00.0: RmInitAdapter failed! (0x24:0x72:1568)",
        ]
        #expect(KernelLog.lines(in: log, about: gpus) == lines)
        #expect(KernelLog.lines(in: log, about: [gpus[0]]) == [lines[1]])
        #expect(KernelLog.lines(in: log, about: [gpus[1]]) == [lines[0]])
    }

    @Test func aMessageIsBounded() throws {
        let gpu = try #require(PCIAddress("0001:3b:00.0"))
        let long = String(repeating: "x", count: 5000)
        let first = "NVRM: The NVIDIA GPU 0001:3b:00.0 (PCI ID: 10de:2c58)"
        let log = ([first] + Array(repeating: "NVRM: \(long)", count: 9)).joined(separator: "\n")
        #expect(KernelLog.lines(in: log, about: [gpu]).map(\.count) == [400])
    }

    @Test func isBounded() {
        #expect(KernelLog.lines(in: "") == [])
        #expect(KernelLog.lines(in: "[1] usb 1-1: new device\n") == [])
        #expect(KernelLog.lines(in: "NVRM: " + String(repeating: "x", count: 5000)).map(\.count) == [200])
    }
}
