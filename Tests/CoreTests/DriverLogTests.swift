import NodeModel
import Testing

/// Records of `/dev/kmsg`, and the lines that they make together.
@Suite struct DriverLogTests {
    private func record(_ text: String) -> KernelRecord? {
        Array(text.utf8).withUnsafeBytes { KernelRecord($0) }
    }

    static let records: [(text: String, record: KernelRecord?)] = [
        ("4,1234,5678901,-;hello", KernelRecord(sequence: 1234, microseconds: 5_678_901, text: "hello")),
        ("4,1,2,c;part", KernelRecord(sequence: 1, microseconds: 2, part: .beginning, text: "part")),
        ("4,1,2,+;part", KernelRecord(sequence: 1, microseconds: 2, part: .continuation, text: "part")),
        ("4,1,2,-,caller=T1;x;y", KernelRecord(sequence: 1, microseconds: 2, text: "x;y")),
        ("4,1,2,-;a\\x0ab\\x5cn\\x1b", KernelRecord(sequence: 1, microseconds: 2, text: "a\nb\\n\u{1b}")),
        ("4,1,2,-;a\\xzz\\x1", KernelRecord(sequence: 1, microseconds: 2, text: "a\\xzz\\x1")),
        ("4,1,2,-;a\n SUBSYSTEM=pci\n", KernelRecord(sequence: 1, microseconds: 2, text: "a")),
        ("4,1,2,-;", KernelRecord(sequence: 1, microseconds: 2, text: "")),
        // Only the kernel itself reports errors of its drivers. A program that writes to /dev/kmsg has another facility.
        ("12,1,2,-;NVRM: Xid (PCI:0000:c1:00): 79, x", nil),
        ("4,1,2,-", nil), ("4,1,2", nil), ("4,1", nil), ("", nil), (";", nil), ("4,,2,-;x", nil), ("4,-1,2,-;x", nil),
        ("4,99999999999999999999,2,-;x", nil), (" SUBSYSTEM=pci", nil),
    ]

    @Test(arguments: records)
    func aRecordIsRead(_ text: String, _ expected: KernelRecord?) {
        #expect(record(text) == expected)
    }

    private func messages(_ lines: [(KernelRecord.Part, String)], flushes: Bool = true) -> [DriverLog.Message] {
        var log = DriverLog()
        let found = lines.enumerated().flatMap { number, line in
            log.take(KernelRecord(sequence: UInt64(number), microseconds: 0, part: line.0, text: line.1))
        }
        return found + (flushes ? log.flush() : [])
    }

    private static let gpu = PCIAddress(domain: 0, bus: 0xb3, device: 0, function: 0)

    @Test func threeLinesTogetherSayThatAGPUFell() {
        let lines = [
            "NVRM: The NVIDIA GPU 0000:b3:00.0", "NVRM: (PCI ID: 10de:26b5) installed in this system has",
            "NVRM: fallen off the bus and is not responding to commands.",
        ]
        let fallen = DriverMessage.fallenOffTheBus(Self.gpu, text: lines[2])
        #expect(messages(lines.map { (.whole, $0) }).map(\.message) == [fallen])
        #expect(messages([(.whole, lines.joined(separator: "\n"))]).map(\.message) == [fallen])
        let indented = lines.joined(separator: "\n               ")
        #expect(messages([(.whole, indented)]).map(\.message) == [fallen])
        // Lines of other drivers can be between them.
        let mixed = [lines[0], "usb 1-1: new device", lines[1], "usb 1-1: gone", lines[2]]
        #expect(messages(mixed.map { (.whole, $0) }).map(\.message) == [fallen])
    }

    /// Without its first line, or long after it, the last line is about an unknown GPU.
    @Test func aGPUIsNotGuessed() {
        let last = "NVRM: fallen off the bus and is not responding to commands."
        #expect(messages([(.whole, last)]).isEmpty)
        let other = Array(repeating: "NVRM: something else", count: 3)
        let lines = ["NVRM: The NVIDIA GPU 0000:b3:00.0"] + other + [last]
        #expect(messages(lines.map { (.whole, $0) }).isEmpty)
    }

    @Test func fragmentsOfALineAreJoined() {
        let found = messages([
            (.beginning, "NVRM: Xid (PCI:0000:b3:00): 7"), (.continuation, "9, GPU has "), (.continuation, "fallen."),
            (.whole, "usb 1-1: new device"),
        ])
        #expect(found == [.init(sequence: 0, microseconds: 0, message: .xid(79, Self.gpu, text: "GPU has fallen."))])
        let cut = messages([(.beginning, "NVRM: Xid (PCI:0000:b3:00): 7"), (.whole, "usb 1-1: new device")])
        #expect(cut.isEmpty)
        let waiting = messages([(.beginning, "NVRM: Xid (PCI:0000:b3:00): 79, x")], flushes: false)
        #expect(waiting.isEmpty)
        #expect(messages([(.beginning, "NVRM: Xid (PCI:0000:b3:00): 79, x")]).count == 1)
        // Without its beginning, a continuation is a line.
        #expect(messages([(.continuation, "NVRM: Xid (PCI:0000:b3:00): 79, x")]).count == 1)
    }

    @Test func fragmentsWithoutEndAreBounded() {
        var log = DriverLog()
        _ = log.take(
            KernelRecord(sequence: 0, microseconds: 0, part: .beginning, text: "NVRM: Xid (PCI:0000:b3:00): 79, ")
        )
        for number in 1..<10_000 {
            let part = String(repeating: "x", count: 100)
            _ = log.take(KernelRecord(sequence: UInt64(number), microseconds: 0, part: .continuation, text: part))
        }
        let found = log.flush()
        #expect(found.count == 1)
        guard case .xid(79, _, let text)? = found.first?.message else {
            Issue.record("\(found)")
            return
        }
        #expect(text.utf8.count <= DriverMessage.textLimit)
    }
}
