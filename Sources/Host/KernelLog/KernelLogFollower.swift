import Dispatch
import Glibc
import Support
package import SystemPackage

/// Follows the kernel log on a thread of its own, from when it starts until it is stopped.
///
/// While nothing is written to the log, the thread sleeps.
package final class KernelLogFollower: Sendable {
    /// The time between two looks at a busy log.
    ///
    /// A look at each record would take longer than the record. The smallest log of a usual kernel (128 KiB) holds the
    /// records of 100 ms at 10 000 lines a second.
    private static let pause: UInt32 = 20_000

    private let stopWriter: FileDescriptor

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - reader: The log.
    ///   - take: Gets what was found, on the thread, and once that the log could be read. It must not block.
    ///   - failed: Gets the error that ended the thread, other than a stop.
    /// - Throws: The error of `socketpair`.
    package init(
        _ reader: consuming KernelLogReader,
        take: @escaping @Sendable (KernelLogReader.Batch, _ next: UInt64) -> Void,
        failed: @escaping @Sendable (Errno) -> Void
    ) throws(Errno) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Errno(rawValue: errno) }
        stopWriter = FileDescriptor(rawValue: ends[1])
        let box = ReaderBox(reader: reader, stop: OpenFile(FileDescriptor(rawValue: ends[0])))
        DispatchQueue(label: "gpu-agent.host.kernel-log").async {
            do throws(Errno) { try box.follow(every: Self.pause, take) } catch { failed(error) }
        }
    }

    deinit {
        // The thread sees the end of the connection.
        try? stopWriter.close()
    }

    /// The reader and the thread's end of the connection, which only the thread uses.
    private final class ReaderBox: @unchecked Sendable {
        var reader: KernelLogReader
        let stop: OpenFile

        init(reader: consuming KernelLogReader, stop: consuming OpenFile) {
            self.reader = reader
            self.stop = stop
        }

        func follow(
            every pause: UInt32,
            _ take: (KernelLogReader.Batch, UInt64) -> Void
        ) throws(Errno) {
            var isFirst = true
            while true {
                var batch = KernelLogReader.Batch()
                let before = reader.next
                let stopped = try reader.read(into: &batch, limit: 100_000)
                if isFirst || !batch.messages.isEmpty || batch.lost > 0 || reader.next != before {
                    take(batch, reader.next)
                }
                isFirst = false
                // A file that ended can grow, but poll does not wait for that.
                usleep(pause)
                let limit: Int32 = stopped == .limit ? 0 : stopped == .end ? 500 : reader.isWaiting ? 1000 : -1
                var polled = [
                    pollfd(fd: reader.descriptor.rawValue, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: stop.descriptor.rawValue, events: Int16(POLLIN), revents: 0),
                ]
                // The file itself is always readable after its end.
                if stopped == .end { polled.removeFirst() }
                let ready = poll(&polled, nfds_t(polled.count), limit)
                if ready < 0, errno != EINTR { throw Errno(rawValue: errno) }
                if polled.last?.revents != 0 { return }
                if ready == 0, reader.isWaiting {
                    var late = KernelLogReader.Batch()
                    reader.flush(into: &late)
                    if !late.messages.isEmpty { take(late, reader.next) }
                }
            }
        }
    }
}
