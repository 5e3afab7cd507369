/// A region of memory addresses of a PCI function, which a base address register (BAR) describes.
package struct MemoryRegion: Codable, Sendable, Equatable {
    /// The number of the BAR, from 0 to 5.
    package var bar: Int
    /// The size in bytes.
    package var size: Int
    /// Whether the firmware or the kernel assigned addresses to the region.
    ///
    /// Without them, no driver can use the region.
    package var isAssigned: Bool

    package init(bar: Int, size: Int, isAssigned: Bool) {
        self.bar = bar
        self.size = size
        self.isAssigned = isAssigned
    }

    /// The region for people: `BAR 1 (128 GiB)`.
    package var name: String { "BAR \(bar) (\(sizeText))" }

    private var sizeText: String {
        let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        let unit = units.first { size >= $0.1 && size % $0.1 == 0 }
        return unit.map { "\(size / $0.1) \($0.0)" } ?? "\(size) bytes"
    }
}

extension MemoryRegion {
    /// Flags of the kernel (`include/linux/ioport.h`).
    private static let isMemory: UInt64 = 0x0200
    private static let isUnset: UInt64 = 0x2000_0000

    /// Reads the memory regions from the file `resource` of a function in sysfs.
    ///
    /// Each line has the first address, the last address and the flags of a region. The first six lines are those of
    /// the BARs. A line of zeros is a BAR that the function does not have, or that is the upper half of the BAR before.
    ///
    /// - Parameter text: The content of the file.
    /// - Returns: The regions; nil when the text does not have this form.
    package static func read(_ text: String) -> [MemoryRegion]? {
        let lines = text.split(separator: "\n")
        guard lines.count >= 6 else { return nil }
        var regions: [MemoryRegion] = []
        for (bar, line) in lines.prefix(6).enumerated() {
            let numbers = line.split(separator: " ").map { word in
                word.hasPrefix("0x") ? UInt64(word.dropFirst(2), radix: 16) : nil
            }
            guard numbers.count == 3, let first = numbers[0], let last = numbers[1], let flags = numbers[2] else {
                return nil
            }
            guard flags & isMemory != 0 else { continue }
            guard last >= first, let size = Int(exactly: last - first), size < Int.max else { return nil }
            regions.append(MemoryRegion(bar: bar, size: size + 1, isAssigned: first != 0 && flags & isUnset == 0))
        }
        return regions
    }
}

extension PCIFunction {
    /// The regions of a GPU that have no addresses.
    package var unassignedRegions: [MemoryRegion] { memoryRegions?.value?.filter { !$0.isAssigned } ?? [] }

    /// Whether the kernel does not show the registers of the GPU (BAR 0).
    ///
    /// The kernel takes a region away from a function when it finds no addresses for it. The window to the memory is no
    /// sign: it is BAR 1 on some GPUs and BAR 2 on others, such as the H100, whose BAR 0 has 64 bits.
    package var lacksRegisters: Bool { memoryRegions?.value.map { !$0.contains { $0.bar == 0 } } ?? false }
}
