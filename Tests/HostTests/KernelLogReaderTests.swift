import Glibc
import Host
import NodeModel
import Support
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// The reader of the kernel log, with files, pipes and the real `/dev/kmsg`.
@Suite struct KernelLogReaderTests {
    private let tree: TemporaryDirectory

    init() throws {
        tree = try TemporaryDirectory()
        try tree.makeDirectory("dev")
    }

    private static let xid = "NVRM: Xid (PCI:0000:c1:00): 79, pid=1, GPU has fallen off the bus."

    private func read(from next: UInt64 = 0) throws -> (KernelLogReader.Batch, next: UInt64) {
        guard var reader = try KernelLogReader(try HostRoot(tree.path), from: next) else {
            throw HostError.notAFile(KernelLogReader.path)
        }
        var batch = KernelLogReader.Batch()
        _ = try reader.read(into: &batch, limit: 1000)
        reader.flush(into: &batch)
        return (batch, reader.next)
    }

    private func codes(_ batch: KernelLogReader.Batch) -> [Int] {
        batch.messages.compactMap { if case .xid(let code, _, _) = $0.message { code } else { nil } }
    }

    @Test func aHostWithoutALogHasNoReader() throws {
        if let reader = try KernelLogReader(try HostRoot(tree.path), from: 0) {
            Issue.record("there is a reader at \(reader.next)")
        }
    }

    @Test func continuesAfterAPosition() throws {
        let lines = (10..<20).map { "4,\($0),\($0 * 1000),-;NVRM: Xid (PCI:0000:c1:00): \($0), x\n SUBSYSTEM=pci\n" }
        try tree.write("dev/kmsg", lines.joined())
        let all = try read(from: 10)
        #expect(codes(all.0) == Array(10..<20) && all.next == 20 && all.0.lost == 0 && all.0.records == 10)
        #expect(all.0.messages.first?.microseconds == 10_000)
        #expect(codes(try read(from: 17).0) == [17, 18, 19])
        #expect(try read(from: 20).0.messages.isEmpty)
    }

    @Test func countsWhatTheKernelHasOverwritten() throws {
        try tree.write("dev/kmsg", "4,100,1,-;x\n4,101,1,-;\(Self.xid)\n4,110,1,-;y\n")
        let found = try read(from: 40)
        #expect(found.0.lost == 60 + 8 && codes(found.0) == [79] && found.next == 111)
    }

    @Test func whatIsNoRecordIsSkipped() throws {
        let long = String(repeating: "x", count: 100_000)
        try tree.write(
            "dev/kmsg",
            "garbage \(Self.xid)\n\n;\n4,0,1,-;\(long)\n4,1,1\n12,1,1,-;\(Self.xid)\n4,2,1,-;\(Self.xid)\n4,3,1,-;NVRM: Xid (PC"
        )
        let found = try read()
        #expect(codes(found.0) == [79] && found.next == 3)
        #expect(found.0.messages.first?.sequence == 2)
    }

    /// A record that arrives in two parts, as a pipe can deliver it, is one.
    @Test func aRecordCanArriveInParts() throws {
        let pipe = try FileDescriptor.pipe()
        defer { try? pipe.writeEnd.close() }
        _ = fcntl(pipe.readEnd.rawValue, F_SETFL, O_NONBLOCK)
        var reader = KernelLogReader(OpenFile(pipe.readEnd), from: 0)
        var batch = KernelLogReader.Batch()
        for part in ["4,0,1,-;NVRM: Xid (PCI:0000:c1:00)", ": 79, x\n4,1,1,-;y\n"] {
            try pipe.writeEnd.writeAll(part.utf8)
            let stop = try reader.read(into: &batch, limit: 1000)
            #expect(stop == .noRecord)
        }
        let next = reader.next
        #expect(codes(batch) == [79] && next == 2)
    }

    /// The follower finds an error in a log that grows, and stops at once.
    @Test(.timeLimit(.minutes(1))) func followsALog() async throws {
        let pipe = try FileDescriptor.pipe()
        defer { try? pipe.writeEnd.close() }
        _ = fcntl(pipe.readEnd.rawValue, F_SETFL, O_NONBLOCK)
        let found = Mutex<[Int]>([])
        var follower: KernelLogFollower? = try KernelLogFollower(
            KernelLogReader(OpenFile(pipe.readEnd), from: 0),
            take: { batch, _ in
                for case .xid(let code, _, _) in batch.messages.map(\.message) { found.withLock { $0.append(code) } }
            },
            failed: { _ in }
        )
        for code in 1...3 {
            try pipe.writeEnd.writeAll("4,\(code),1,-;NVRM: Xid (PCI:0000:c1:00): \(code), x\n".utf8)
            try await eventually("Xid \(code)") { found.withLock { $0.last == code } }
        }
        // The last line is a fragment whose end does not come.
        try pipe.writeEnd.writeAll("4,4,1,c;NVRM: Xid (PCI:0000:c1:00): 4, x\n".utf8)
        try await eventually("the fragment") { found.withLock { $0.last == 4 } }
        withExtendedLifetime(follower) {}
        follower = nil
        // The thread closes its end of the pipe, so a write fails.
        signal(SIGPIPE, SIG_IGN)
        try await eventually("the end of the thread") {
            (try? pipe.writeEnd.writeAll("4,5,1,-;x\n".utf8)) == nil
        }
        #expect(found.withLock { $0 } == [1, 2, 3, 4])
    }

    /// Whether this process may read the real log.
    static let canReadKernelLog = access("/dev/kmsg", R_OK) == 0 && open("/dev/kmsg", O_RDONLY | O_NONBLOCK) >= 0

    @Test(.enabled(if: canReadKernelLog, "this process may not read /dev/kmsg"))
    func readsTheRealKernelLog() throws {
        guard var reader = try KernelLogReader(try HostRoot("/"), from: 0) else {
            Issue.record("there is no /dev/kmsg")
            return
        }
        var batch = KernelLogReader.Batch()
        let stop = try reader.read(into: &batch, limit: 10_000_000)
        let next = reader.next
        #expect(stop == .noRecord && batch.records > 0)
        // Nothing is missing between the first record of the buffer and the last one.
        #expect(batch.lost + UInt64(batch.records) == next)
    }
}
