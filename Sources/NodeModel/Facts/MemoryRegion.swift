import Support

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
    /// Whether the region can lie above 4 GiB; nil in facts of an earlier version of the agent.
    package var is64Bit: Bool?
    /// Whether the region lies above 4 GiB; nil in facts of an earlier version of the agent.
    package var isAbove4G: Bool?
    /// The sizes in MiB that the region can have, in ascending order.
    ///
    /// Nil when the BAR is not resizable, or the kernel does not say it: before Linux 6.1, and when the file
    /// `resourceN_resize` cannot be read.
    package var sizesMiB: [Int]?

    package init(
        bar: Int,
        size: Int,
        isAssigned: Bool,
        is64Bit: Bool? = nil,
        isAbove4G: Bool? = nil,
        sizesMiB: [Int]? = nil
    ) {
        self.bar = bar
        self.size = size
        self.isAssigned = isAssigned
        self.is64Bit = is64Bit
        self.isAbove4G = isAbove4G
        self.sizesMiB = sizesMiB
    }

    /// The region for people: `BAR 1 (128 GiB)`.
    package var name: String { "BAR \(bar) (\(Self.text(ofSize: size)))" }

    /// A size in bytes for people: `128 GiB`.
    package static func text(ofSize size: Int) -> String {
        let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        let unit = units.first { size >= $0.1 && size % $0.1 == 0 }
        return unit.map { "\(size / $0.1) \($0.0)" } ?? "\(size) bytes"
    }

    /// The largest size in bytes that the region can have; nil when it is not known, or no larger than the region.
    package var largerSize: Int? {
        guard let largest = sizesMiB?.max(), (1...1 << (Self.sizeBits - 1)).contains(largest) else { return nil }
        return largest << 20 > size ? largest << 20 : nil
    }

    /// The number of sizes that the agent knows, each twice the one before: 1 MiB to 4 EiB.
    private static let sizeBits = 43
}

extension MemoryRegion {
    /// Flags of the kernel (`include/linux/ioport.h`).
    private static let isMemory: UInt64 = 0x0200
    private static let has64Bits: UInt64 = 0x0010_0000
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
            let isAssigned = first != 0 && flags & isUnset == 0
            regions.append(
                MemoryRegion(
                    bar: bar,
                    size: size + 1,
                    isAssigned: isAssigned,
                    is64Bit: flags & has64Bits != 0,
                    isAbove4G: isAssigned && first >> 32 != 0
                )
            )
        }
        return regions
    }

    /// Reads the file `resourceN_resize` of a resizable BAR: a hexadecimal number in which bit n means 2^n MiB.
    ///
    /// - Parameter text: The content of the file, such as `00000000000001c0` for 64, 128 and 256 MiB.
    /// - Returns: The sizes in MiB, in ascending order; nil when the text is not such a number, or names no size.
    package static func readSizes(_ text: String) -> [Int]? {
        guard text.count <= 16, isDigits(text, radix: 16), let bits = UInt64(text, radix: 16) else { return nil }
        let sizes = (0..<sizeBits).filter { bits >> $0 & 1 == 1 }.map { 1 << $0 }
        return sizes.isEmpty ? nil : sizes
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

    /// The window to the memory of a GPU: the largest region but for the registers; nil when it has none.
    ///
    /// It has at least 64 MiB. The other regions of a GPU are smaller, such as one of 32 MiB for the driver itself.
    package var memoryWindow: MemoryRegion? {
        memoryRegions?.value?.filter { $0.bar != 0 && $0.size >= 64 << 20 }.max { $0.size < $1.size }
    }

    /// Whether the kernel shows the registers of the GPU, and no window to its memory.
    package var lacksMemoryWindow: Bool { memoryRegions?.value != nil && !lacksRegisters && memoryWindow == nil }
}
