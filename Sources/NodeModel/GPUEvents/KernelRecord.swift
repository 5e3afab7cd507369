import Support

/// One record of `/dev/kmsg`, which the kernel documents in `Documentation/ABI/testing/dev-kmsg`.
///
/// A record is `6,1234,5678901,-;text`, followed by lines of properties, which begin with a space. In the text, control
/// characters and other bytes than ASCII are `\xHH`.
package struct KernelRecord: Sendable, Equatable {
    /// How the record continues a line of the log.
    package enum Part: Sendable, Equatable {
        /// The record is a line of its own.
        case whole
        /// The record begins a line (`c`).
        case beginning
        /// The record continues the line before it (`+`).
        case continuation
    }

    /// The number of the record since the boot, which grows by one.
    package var sequence: UInt64
    /// The time since the boot, in microseconds.
    package var microseconds: UInt64
    package var part: Part
    /// The text without its escapes, which can have several lines.
    package var text: String

    package init(sequence: UInt64, microseconds: UInt64, part: Part = .whole, text: String) {
        self.sequence = sequence
        self.microseconds = microseconds
        self.part = part
        self.text = text
    }

    /// The most bytes of a text that is read; the kernel's own limit is lower.
    private static let textLimit = 8192

    /// The number of a record without the rest; nil when the bytes do not begin as a record does.
    package static func sequence(of bytes: UnsafeRawBufferPointer) -> UInt64? {
        var position = 0
        guard number(bytes, &position) != nil else { return nil }
        return number(bytes, &position)
    }

    /// Reads a record of the kernel; nil when the bytes do not have the form of one.
    ///
    /// Programs can write to `/dev/kmsg`, too. Nil also for their records: only the kernel reports errors of drivers.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        var position = 0
        guard let priority = Self.number(bytes, &position), let sequence = Self.number(bytes, &position),
            let microseconds = Self.number(bytes, &position), position < bytes.count,
            // The lowest three bits are the level. The rest is the facility, which is 0 for the kernel.
            priority < 8
        else { return nil }
        self.sequence = sequence
        self.microseconds = microseconds
        part =
            switch bytes[position] {
            case UInt8(ascii: "c"): .beginning
            case UInt8(ascii: "+"): .continuation
            default: .whole
            }
        // A newer kernel can add fields before the semicolon.
        while position < bytes.count, bytes[position] != UInt8(ascii: ";") { position += 1 }
        guard position < bytes.count else { return nil }
        text = Self.unescaped(bytes, from: position + 1)
    }

    /// Reads a decimal number and the comma after it.
    private static func number(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> UInt64? {
        let start = position
        var value: UInt64 = 0
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: ","), position > start {
                position += 1
                return value
            }
            // 19 digits always fit.
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte, position - start < 19 else { return nil }
            value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
            position += 1
        }
        return nil
    }

    private static func unescaped(_ bytes: UnsafeRawBufferPointer, from start: Int) -> String {
        var text: [UInt8] = []
        var position = start
        while position < bytes.count, text.count < textLimit, bytes[position] != UInt8(ascii: "\n") {
            if bytes[position] == UInt8(ascii: "\\"), position + 3 < bytes.count,
                bytes[position + 1] == UInt8(ascii: "x"),
                let high = hexValue(bytes[position + 2]), let low = hexValue(bytes[position + 3])
            {
                text.append(high << 4 | low)
                position += 4
            } else {
                text.append(bytes[position])
                position += 1
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
