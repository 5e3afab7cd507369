import NodeModel
import Testing

/// Lines of the kernel log as the driver writes them in different versions.
@Suite struct DriverMessageTests {
    struct Line: Sendable, CustomTestStringConvertible {
        var text: String
        var message: DriverMessage?
        var testDescription: String { text }

        init(_ text: String, _ message: DriverMessage?) {
            (self.text, self.message) = (text, message)
        }
    }

    private static func gpu(_ domain: UInt32, _ bus: UInt8, _ function: UInt8 = 0) -> PCIAddress {
        PCIAddress(domain: domain, bus: bus, device: 0, function: function)
    }

    static let lines: [Line] = [
        Line(
            "NVRM: Xid (PCI:0000:c1:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.",
            .xid(79, gpu(0, 0xc1), text: "pid='<unknown>', name=<unknown>, GPU has fallen off the bus.")
        ),
        Line(
            "NVRM: Xid (PCI:0000:c1:00): 79, GPU has fallen off the bus.",
            .xid(79, gpu(0, 0xc1), text: "GPU has fallen off the bus.")
        ),
        Line("NVRM: Xid (0000:03:00): 14, Channel 00000001", .xid(14, gpu(0, 3), text: "Channel 00000001")),
        Line("NVRM: Xid (PCI:0001:18:00): 13, Graphics Exception", .xid(13, gpu(1, 0x18), text: "Graphics Exception")),
        // Domains with more than 16 bits, of VMD and of some clouds.
        Line("NVRM: Xid (PCI:10000:01:00): 31, pid=7", .xid(31, gpu(0x10000, 1), text: "pid=7")),
        Line("NVRM: Xid (PCI:e5f40000:00:00): 31, pid=7", .xid(31, gpu(0xe5f4_0000, 0), text: "pid=7")),
        Line("NVRM: Xid (PCI:00000001:00:00): 31, pid=7", .xid(31, gpu(1, 0), text: "pid=7")),
        Line("NVRM: Xid (PCI:0000:c1:00.1): 31, pid=7", .xid(31, gpu(0, 0xc1, 1), text: "pid=7")),
        Line("NVRM: Xid (PCI:0000:c1:00 GI:01): 45, pid=7", .xid(45, gpu(0, 0xc1), text: "pid=7")),
        Line("[   12.5] NVRM: Xid (PCI:0000:c1:00): 31, pid=7", .xid(31, gpu(0, 0xc1), text: "pid=7")),
        // Half a line, and texts that only look like a report.
        Line("NVRM: Xid (PCI:0000:c1:00): 7", nil),
        Line("NVRM: Xid (PCI:0000:c1:00): ", nil),
        Line("NVRM: Xid (PCI:0000:c1:00): -79, x", nil),
        Line("NVRM: Xid (PCI:0000:c1:00): 0079x, x", nil),
        Line("NVRM: Xid (PCI:0000:c1:00): 99999999999, x", nil),
        Line("NVRM: Xid (PCI:0000:c1): 79, x", nil),
        Line("NVRM: Xid (PCI:0000:c1:00) 79, x", nil),
        Line("NVRM: Xid (nobody): 79, x", nil),
        Line("NVRM: Xid (", nil),
        Line("my-program: Xid (PCI:0000:c1:00): 79, x", nil),
        Line(
            "nvidia-nvswitch3: SXid (PCI:0000:c5:00.0): 20034, Fatal, Link 30 LTSSM Fault Up",
            .sxid(20034, gpu(0, 0xc5), isFatal: true, text: "Fatal, Link 30 LTSSM Fault Up")
        ),
        Line(
            "nvidia-nvswitch0: SXid (PCI:0000:c1:00.0): 28006, Non-fatal, Link 46 MC TS crumbstore MCTO (First)",
            .sxid(28006, gpu(0, 0xc1), isFatal: false, text: "Non-fatal, Link 46 MC TS crumbstore MCTO (First)")
        ),
        Line(
            "nvidia-nvswitch0: SXid (PCI:0000:c1:00.0): 28006, Severity 1 Engine instance 46",
            .sxid(28006, gpu(0, 0xc1), isFatal: nil, text: "Severity 1 Engine instance 46")
        ),
        Line("other: SXid (PCI:0000:c1:00.0): 28006, Fatal", nil),
        Line(
            "NVRM: GPU 0000:81:00.0: GPU has fallen off the bus.",
            .fallenOffTheBus(gpu(0, 0x81), text: "NVRM: GPU 0000:81:00.0: GPU has fallen off the bus.")
        ),
        Line("NVRM: GPU 0000:81:00.0: RmInitAdapter failed! (0x26:0x56:1474)", nil),
        Line("NVRM: The NVIDIA GPU 0000:b3:00.0", .names(gpu(0, 0xb3))),
        Line("NVRM: The NVIDIA GPU 0000:b3:00.0 (PCI ID: 10de:26b5)", .names(gpu(0, 0xb3))),
        Line(
            "NVRM: fallen off the bus and is not responding to commands.",
            .namedOneHasFallen(text: "NVRM: fallen off the bus and is not responding to commands.")
        ),
        Line("NVRM: loading NVIDIA UNIX Open Kernel Module for x86_64  595.71.05", .driverLoaded),
        Line("pci 0000:81:00.0: [10de:2321] type 00 class 0x030200 PCIe Endpoint", .deviceFound(gpu(0, 0x81))),
        Line("pci 0000:81:00.0: BAR 0: assigned [mem 0xa0000000-0xa0ffffff]", nil),
        Line("pci nothing: [10de:2321]", nil),
        Line("", nil),
    ]

    @Test(arguments: lines)
    func isRead(_ line: Line) {
        #expect(DriverMessage(line: line.text) == line.message)
    }

    @Test func aTextIsOneBoundedLineWithoutControls() throws {
        let long = String(repeating: "x\u{1b}[2J", count: 1000)
        let message = try #require(DriverMessage(line: "NVRM: Xid (PCI:0000:c1:00): 31, \(long)"))
        guard case .xid(31, _, let text) = message else {
            Issue.record("\(message)")
            return
        }
        #expect(text.utf8.count <= DriverMessage.textLimit && !text.contains("\u{1b}"))
    }

    static let actions: [(text: String, action: RecoveryAction?)] = [
        ("GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)", .gpuReset),
        ("GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)", .reboot),
        ("GPU recovery action changed from 0x1 (GPU Reset Required) to 0x0 (None)", RecoveryAction.none),
        ("GPU recovery action changed from 0x0 (None) to 0x3 (Drain P2P)", .drainPeers),
        ("GPU recovery action changed from 0x0 (None) to 0x4 (Drain and Reset)", .drainAndReset),
        ("GPU recovery action changed from 0x0 (None) to 0x5 (Call Somebody)", nil),
        ("GPU recovery action changed", nil), (")(", nil), ("(None", nil),
    ]

    @Test(arguments: actions)
    func theLastParenthesesHaveTheRecoveryAction(_ text: String, _ action: RecoveryAction?) {
        #expect(RecoveryAction(xidText: text) == action)
    }
}
