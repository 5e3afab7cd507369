package import Support

/// How far the agent has read the kernel log of a boot.
package struct KernelLogPosition: Codable, Sendable, Equatable {
    /// A part of the log that the agent did not read.
    package struct Gap: Codable, Sendable, Equatable {
        /// The time at which the agent noticed it.
        package var at: Timestamp
        /// How many records are missing at most.
        package var records: Int

        package init(at: Timestamp, records: Int) {
            self.at = at
            self.records = records
        }
    }

    package var boot: String
    /// The number of the next record.
    package var next: UInt64
    /// The parts of the log that the kernel had overwritten before the agent read them.
    package private(set) var gaps: [Gap]

    private static let gapLimit = 20

    package init(boot: String, next: UInt64 = 0, gaps: [Gap] = []) {
        self.boot = boot
        self.next = next
        self.gaps = gaps
    }

    /// Adds a gap; gaps within an hour are one.
    package mutating func add(_ gap: Gap) {
        if let last = gaps.last, gap.at.seconds - last.at.seconds < 3600 {
            gaps[gaps.count - 1].records = boundedSum(last.records, gap.records)
        } else {
            gaps = (gaps + [gap]).suffix(Self.gapLimit)
        }
    }
}
