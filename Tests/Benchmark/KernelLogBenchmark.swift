import Glibc
import Host
import NodeModel
import Support
import Synchronization
import SystemPackage

/// Measures the reader of the kernel log under 10 000 lines a second.
///
/// The lines come through a socket that keeps the limits of messages, so a read returns one record, as a read of
/// `/dev/kmsg` does. The thread of the reader measures its own processor time. A second measurement reads the real
/// `/dev/kmsg`, when this process may, because a read of the device takes longer than one of the socket.
enum KernelLogBenchmark {
    private static let rate = 10_000
    /// Of how many lines one is an Xid.
    private static let xidEvery = 1000
    /// The share of a core that the reader may use, in percent.
    private static let limit = 5.0

    /// - Returns: Whether the reader found every Xid and stayed below the limit.
    static func run(seconds: Int) throws -> Bool {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0 else { throw Errno(rawValue: errno) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        let state = Mutex((history: GPUHistory(), cpu: 0.0, xids: 0, lost: UInt64(0)))
        let follower = try KernelLogFollower(
            KernelLogReader(OpenFile(FileDescriptor(rawValue: ends[0])), from: 0),
            take: { batch, _ in
                state.withLock { state in
                    for message in batch.messages {
                        state.history.add(message, boot: "benchmark", at: Timestamp(0))
                        state.xids += 1
                    }
                    state.lost += batch.lost
                    state.cpu = threadSeconds()
                }
            },
            failed: { print("FAIL the reader ended: \($0)") }
        )
        let start = ContinuousClock.now
        let count = seconds * rate
        for number in 0..<count {
            let line = line(number)
            _ = line.withUnsafeBytes { send(ends[1], $0.baseAddress, $0.count, 0) }
            // 100 lines at a time, every 10 ms.
            if number % 100 == 99 {
                let due = start + .milliseconds((number + 1) * 1000 / rate)
                let rest = due - .now
                if rest > .zero { usleep(UInt32(rest / .microseconds(1))) }
            }
        }
        usleep(200_000)
        let time = Double((ContinuousClock.now - start) / .milliseconds(1)) / 1000
        withExtendedLifetime(follower) {}
        close(ends[1])
        let found = state.withLock { $0 }
        let share = found.cpu / time * 100
        let expected = count / xidEvery
        let isGood = share < limit && found.xids == expected && found.lost == 0
        print(
            "\(isGood ? "ok  " : "FAIL") kernel log, \(count) lines in \(tenths(time)) s: \(tenths(share)) % of a core "
                + "(limit \(Int(limit)) %), \(found.xids) of \(expected) Xids, \(found.lost) records lost"
        )
        return realLog() && isGood
    }

    /// Measures how long the real device takes for each record.
    private static func realLog() -> Bool {
        var records = 0
        let before = threadSeconds()
        while threadSeconds() - before < 1 {
            guard let root = try? HostRoot("/"), var reader = try? KernelLogReader(root, from: 0) else {
                print("skip this process may not read /dev/kmsg")
                return true
            }
            var batch = KernelLogReader.Batch()
            guard (try? reader.read(into: &batch, limit: 10_000_000)) != nil, batch.records > 0 else { return true }
            records += batch.records
        }
        let share = (threadSeconds() - before) / Double(records) * Double(rate) * 100
        let isGood = share < limit
        print(
            "\(isGood ? "ok  " : "FAIL") kernel log, the real device: \(tenths(share)) % of a core for \(rate) records a "
                + "second (limit \(Int(limit)) %)"
        )
        return isGood
    }

    private static func line(_ number: Int) -> [UInt8] {
        let text =
            number % xidEvery == 0
            ? "NVRM: Xid (PCI:0000:81:00): 31, pid=4711, name=python, Ch 00000008, intr 00000000. MMU Fault: ENGINE GRAPHICS"
            : "audit: type=1400 audit(1764338400.123:\(number)): apparmor=\"ALLOWED\" operation=\"open\" profile=\"cri\" pid=4711"
        return Array("4,\(number),\(number * 100),-;\(text)\n".utf8)
    }

    /// The processor time of the calling thread, in seconds.
    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func tenths(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
