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

    @Test func isBounded() {
        #expect(KernelLog.lines(in: "") == [])
        #expect(KernelLog.lines(in: "[1] usb 1-1: new device\n") == [])
        #expect(KernelLog.lines(in: "NVRM: " + String(repeating: "x", count: 5000)).map(\.count) == [200])
    }
}
