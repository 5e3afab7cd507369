import Glibc
package import NodeModel

/// The names of NVIDIA's devices in a list of PCI IDs (`pci.ids`).
///
/// In this format, a line without indentation begins a vendor: its ID in four hexadecimal digits, two spaces and its
/// name. Each line with one tab below it is a device of the vendor, and each line with two tabs is a subsystem of the
/// device. `#` begins a comment. Source: https://pci-ids.ucw.cz.
///
/// libpci reads such a list too, but with the devices of all vendors. That took a sixth of the processor time of
/// `status`.
package struct PCINameList: Sendable, Equatable {
    private let names: [UInt16: String]

    /// The largest list that the agent reads, in bytes.
    ///
    /// The list of April 2023 has 1.4 MB.
    package static let sizeLimit = 8 << 20
    private static let nameLimit = 255

    /// Reads a list.
    ///
    /// The lines that do not have the format of the list name no device.
    package init(_ bytes: [UInt8]) {
        var names: [UInt16: String] = [:]
        for line in Self.devices(in: bytes[...]) {
            guard let id = Self.number(line.prefix(4)), line.dropFirst(4).starts(with: [0x20, 0x20]) else { continue }
            let name = line.dropFirst(6).prefix(Self.nameLimit)
            // The list is a file of the host and not trusted. Control characters could change the terminal that
            // prints the name.
            guard !name.isEmpty, name.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { continue }
            names[id] = String(decoding: name, as: UTF8.self)
        }
        self.names = names
    }

    /// The name of a device; nil when the list does not contain the device.
    package subscript(id: PCIID) -> String? {
        id.vendor == PCIFunction.nvidiaVendor ? names[id.device] : nil
    }

    /// The lines of the devices of vendor 10de, without their tab.
    private static func devices(in bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        guard var place = vendor(in: bytes) else { return [] }
        var lines: [ArraySlice<UInt8>] = []
        // A line without its end comes from a file that was cut off, and so may have only the beginning of a name.
        while place < bytes.endIndex, let end = endOfLine(in: bytes[place...]) {
            let line = bytes[place..<end]
            place = end + 1
            switch line.first {
            case nil, hash: continue
            case tab where line.dropFirst().first != tab: lines.append(line.dropFirst())
            case tab: continue
            default: return lines
            }
        }
        return lines
    }

    /// The index after the line of vendor 10de.
    private static func vendor(in bytes: ArraySlice<UInt8>) -> Int? {
        let start = Array("10de  ".utf8)
        var place = bytes.startIndex
        while place < bytes.endIndex {
            let isFound = bytes[place...].starts(with: start)
            guard let end = endOfLine(in: bytes[place...]) else { return nil }
            place = end + 1
            if isFound { return place }
        }
        return nil
    }

    /// The index of the first line break.
    ///
    /// memchr(3) uses the vector unit. A loop over a megabyte would take too long in a debug build.
    private static func endOfLine(in bytes: ArraySlice<UInt8>) -> Int? {
        bytes.withUnsafeBytes { area in
            guard let base = area.baseAddress, let found = memchr(base, CInt(newline), area.count) else { return nil }
            return bytes.startIndex + (UnsafeRawPointer(found) - base)
        }
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt16? {
        digits.count == 4 ? UInt16(String(decoding: digits, as: UTF8.self), radix: 16) : nil
    }

    private static let tab = UInt8(ascii: "\t")
    private static let newline = UInt8(ascii: "\n")
    private static let hash = UInt8(ascii: "#")
}
