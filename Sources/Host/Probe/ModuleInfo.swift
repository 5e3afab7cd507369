import Support

/// The `.modinfo` section of a kernel module: `key=value` texts, each followed by a NUL character.
///
/// It supports 64-bit little-endian ELF files, and reads only the few tables that it needs of a large file.
struct ModuleInfo: Equatable {
    let fields: [String: String]

    private static let tableLimit: UInt64 = 4 << 20
    private static let sectionLimit: UInt64 = 1 << 20

    /// Finds the section and parses it.
    ///
    /// - Parameter read: Returns bytes at an offset; fewer than asked for only at the end of the file.
    /// - Throws: The errors of `read`, and `MessageError` when this is not a kernel module.
    init(read: (_ offset: UInt64, _ count: Int) throws -> [UInt8]) throws {
        func bytes(_ offset: UInt64, _ count: UInt64, limit: UInt64, _ what: String) throws -> LittleEndian {
            guard count <= limit else { throw MessageError("\(what) has \(count) bytes, more than \(limit)") }
            let bytes = try read(offset, Int(count))
            guard bytes.count == count else { throw MessageError("the file ends inside \(what)") }
            return LittleEndian(bytes: bytes)
        }
        let header = try bytes(0, 64, limit: 64, "the ELF header")
        guard header.bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) else {
            throw MessageError("it is not a 64-bit little-endian ELF file")
        }
        let (count, size) = (UInt64(header.uint16(60)), UInt64(header.uint16(58)))
        let namesIndex = Int(header.uint16(62))
        guard size >= 64, namesIndex < count else { throw MessageError("it has no section table") }
        let table = try bytes(header.uint64(40), count * size, limit: Self.tableLimit, "the section table")
        func section(_ index: Int) -> (name: Int, offset: UInt64, size: UInt64) {
            let start = index * Int(size)
            return (Int(table.uint32(start)), table.uint64(start + 24), table.uint64(start + 32))
        }
        let place = section(namesIndex)
        let names = try bytes(place.offset, place.size, limit: Self.tableLimit, "the section names")
        let wanted = Array(".modinfo".utf8) + [0]
        for index in 0..<Int(count) where names.bytes.dropFirst(section(index).name).starts(with: wanted) {
            let found = section(index)
            let content = try bytes(found.offset, found.size, limit: Self.sectionLimit, "the .modinfo section")
            fields = Self.parse(content.bytes)
            return
        }
        throw MessageError("it has no .modinfo section")
    }

    /// Parses the content of the section.
    ///
    /// The first value of a key counts.
    static func parse(_ section: [UInt8]) -> [String: String] {
        let texts = section.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        let pairs = texts.compactMap { text in
            text.firstIndex(of: "=").map { (String(text[..<$0]), String(text[text.index(after: $0)...])) }
        }
        return Dictionary(pairs) { first, _ in first }
    }
}

/// Little-endian numbers in a table of bytes.
///
/// The bytes past its end count as zeros.
private struct LittleEndian {
    let bytes: [UInt8]

    func uint16(_ offset: Int) -> UInt16 { number(offset) }
    func uint32(_ offset: Int) -> UInt32 { number(offset) }
    func uint64(_ offset: Int) -> UInt64 { number(offset) }

    private func number<Number: FixedWidthInteger>(_ offset: Int) -> Number {
        bytes.dropFirst(offset).prefix(MemoryLayout<Number>.size).reversed().reduce(0) { $0 << 8 | Number($1) }
    }
}
