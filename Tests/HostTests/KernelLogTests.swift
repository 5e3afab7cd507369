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

    @Test func isBounded() {
        #expect(KernelLog.lines(in: "") == [])
        #expect(KernelLog.lines(in: "[1] usb 1-1: new device\n") == [])
        #expect(KernelLog.lines(in: "NVRM: " + String(repeating: "x", count: 5000)).map(\.count) == [200])
    }
}
