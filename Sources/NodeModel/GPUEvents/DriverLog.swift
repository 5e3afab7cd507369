/// Finds the messages about GPUs in the records of the kernel log, one after another.
///
/// It joins the fragments of a line, and the three lines that only together say which GPU fell off the bus.
package struct DriverLog: Sendable {
    /// A message with the record that contains it.
    package struct Message: Sendable, Equatable {
        package var sequence: UInt64
        package var microseconds: UInt64
        package var message: DriverMessage

        package init(sequence: UInt64, microseconds: UInt64, message: DriverMessage) {
            self.sequence = sequence
            self.microseconds = microseconds
            self.message = message
        }
    }

    /// The beginning of a line whose other fragments may follow.
    private var fragment: KernelRecord?
    /// The GPU that the last line named, and how many lines of the driver may still follow.
    private var named: (gpu: PCIAddress, lines: Int)?

    /// The most bytes of a line that is put together from fragments.
    private static let lineLimit = 8192

    package init() {}

    /// Whether a line is not complete, so that it waits for its next fragment.
    package var isWaiting: Bool { fragment != nil }

    /// The messages that are complete with this record.
    package mutating func take(_ record: KernelRecord) -> [Message] {
        var found: [Message] = []
        switch record.part {
        case .continuation where fragment != nil:
            let room = Self.lineLimit - (fragment?.text.utf8.count ?? 0)
            if record.text.utf8.count <= room { fragment?.text += record.text }
        case .beginning:
            found = flush()
            fragment = record
        case .whole, .continuation:
            found = flush() + messages(in: record)
        }
        return found
    }

    /// The messages in a line whose next fragment did not come.
    package mutating func flush() -> [Message] {
        guard let line = fragment else { return [] }
        fragment = nil
        return messages(in: line)
    }

    private mutating func messages(in record: KernelRecord) -> [Message] {
        record.text.split(whereSeparator: \.isNewline).compactMap { line in
            message(in: line).map {
                Message(sequence: record.sequence, microseconds: record.microseconds, message: $0)
            }
        }
    }

    private mutating func message(in line: Substring) -> DriverMessage? {
        let message = DriverMessage(line: line)
        switch message {
        case .names(let gpu):
            named = (gpu, 3)
            return nil
        case .namedOneHasFallen(let text):
            defer { named = nil }
            return named.map { .fallenOffTheBus($0.gpu, text: text) }
        default:
            if let (gpu, lines) = named, line.contains("NVRM") { named = lines > 1 ? (gpu, lines - 1) : nil }
            return message
        }
    }
}
