import Glibc
package import NodeModel
package import SystemPackage

/// Reads the records of the host's `/dev/kmsg` from a position on.
///
/// A read of the device returns one record, or `EPIPE` when the kernel has overwritten the next one. A file or a pipe
/// with the same records works, too.
package struct KernelLogReader: ~Copyable {
    /// What the reader found.
    package struct Batch: Sendable, Equatable {
        package var messages: [DriverLog.Message] = []
        /// How many records are missing, because the kernel had overwritten them.
        package var lost: UInt64 = 0
        /// How many records were read.
        package var records = 0

        package init() {}
    }

    /// Why a read ended.
    package enum Stop: Sendable, Equatable {
        /// There is no further record now.
        case noRecord
        /// The file ended, which the device does not.
        case end
        /// The limit was reached.
        case limit
    }

    package static let path: HostPath = "/dev/kmsg"
    /// The largest record of the kernel has 8 KiB of text, and properties.
    private static let bufferSize = 32 << 10

    private let file: OpenFile
    private let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: KernelLogReader.bufferSize,
        alignment: 16
    )
    /// The bytes at the start of the buffer that are the beginning of a line.
    private var kept = 0
    private var log = DriverLog()
    /// The number of the next record.
    package private(set) var next: UInt64

    /// Opens the kernel log; nil when the host has none.
    ///
    /// - Parameters:
    ///   - root: The host.
    ///   - next: The number of the first record that counts.
    /// - Throws: `file` when it cannot be opened, for example without a right.
    package init?(_ root: HostRoot, from next: UInt64) throws(HostError) {
        guard let file = try root.open(Self.path, O_RDONLY | O_NONBLOCK | O_NOCTTY, for: .open) else {
            return nil
        }
        self.init(file, from: next)
    }

    /// Reads from an open file.
    package init(_ file: consuming OpenFile, from next: UInt64) {
        self.file = file
        self.next = next
    }

    deinit {
        buffer.deallocate()
    }

    /// The descriptor, for `poll`.
    package var descriptor: FileDescriptor { file.descriptor }

    /// Whether a line waits for its next fragment.
    package var isWaiting: Bool { log.isWaiting }

    /// Reads until there is no further record, or until the limit.
    package mutating func read(into batch: inout Batch, limit: Int) throws(Errno) -> Stop {
        while batch.records < limit {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[kept...])
            let count = Glibc.read(file.descriptor.rawValue, rest.baseAddress, rest.count)
            if count > 0 {
                take(kept + count, into: &batch)
                continue
            }
            if count == 0 { return .end }
            switch Errno(rawValue: errno) {
            case .interrupted: continue
            case .wouldBlock: return .noRecord
            // The kernel has overwritten the next record, and continues with the oldest one. Its number shows the gap.
            case .brokenPipe: kept = 0
            // The record is larger than the buffer, which no kernel does. The next read would return it again.
            case let error: throw error
            }
        }
        return .limit
    }

    /// Gives up a line whose next fragment did not come.
    package mutating func flush(into batch: inout Batch) { batch.messages += log.flush() }

    private mutating func take(_ count: Int, into batch: inout Batch) {
        var start = 0
        while let stop = UnsafeRawBufferPointer(buffer).index(of: UInt8(ascii: "\n"), from: start, to: count) {
            takeLine(UnsafeRawBufferPointer(rebasing: buffer[start..<stop]), into: &batch)
            start = stop + 1
        }
        kept = count - start
        // A line that fills the buffer is no record.
        if kept == buffer.count { kept = 0 }
        if start > 0, kept > 0 {
            buffer.baseAddress.map { _ = memmove($0, $0 + start, kept) }
        }
    }

    private mutating func takeLine(_ line: UnsafeRawBufferPointer, into batch: inout Batch) {
        // A property of the record before it begins with a space, and every record with a digit.
        guard let sequence = KernelRecord.sequence(of: line) else { return }
        batch.records += 1
        guard sequence >= next else { return }
        batch.lost += sequence - next
        next = sequence + 1
        guard log.isWaiting || Self.marks.contains(where: { $0.occurs(in: line) }), let record = KernelRecord(line)
        else { return }
        batch.messages += log.take(record)
    }

    /// Every line that `DriverMessage` knows contains one of these texts.
    private static let marks: [Mark] = ["NVRM", "SXid", "[10de:"]

    private struct Mark: ExpressibleByStringLiteral {
        let text: StaticString

        init(stringLiteral text: StaticString) { self.text = text }

        func occurs(in line: UnsafeRawBufferPointer) -> Bool {
            let length = text.utf8CodeUnitCount
            guard let base = line.baseAddress, line.count >= length else { return false }
            var start = 0
            while let place = line.index(of: text.utf8Start.pointee, from: start, to: line.count - length + 1) {
                if memcmp(base + place, text.utf8Start, length) == 0 { return true }
                start = place + 1
            }
            return false
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The index of the first such byte in a part of the buffer; nil when it has none.
    ///
    /// The C library compares many bytes at a time.
    fileprivate func index(of byte: UInt8, from start: Int, to end: Int) -> Int? {
        guard let baseAddress, start < end, end <= count,
            let found = memchr(baseAddress + start, Int32(byte), end - start)
        else { return nil }
        return UnsafeRawPointer(found) - baseAddress
    }
}
