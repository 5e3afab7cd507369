/// A relocatable ELF file as a kernel module is one, with three sections: the null section, the section names, and one
/// more.
func moduleFile(_ content: [UInt8], name: String = ".modinfo") -> [UInt8] {
    let names = Array("\0.shstrtab\0\(name)\0".utf8)
    let (nameOffset, contentOffset) = (64, 64 + names.count)
    func bytes(_ number: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(number >> ($0 * 8) & 0xff) } }
    func section(_ name: Int, _ offset: Int, _ size: Int) -> [UInt8] {
        bytes(name, 4) + bytes(1, 4) + bytes(0, 16) + bytes(offset, 8) + bytes(size, 8) + bytes(0, 24)
    }
    let header: [UInt8] =
        [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + bytes(0, 9) + bytes(1, 2) + bytes(62, 2) + bytes(1, 4) + bytes(0, 16)
        + bytes(contentOffset + content.count, 8) + bytes(0, 4) + bytes(64, 2) + bytes(0, 4)
        + bytes(64, 2) + bytes(3, 2) + bytes(1, 2)
    return header + names + content + section(0, 0, 0) + section(1, nameOffset, names.count)
        + section(11, contentOffset, content.count)
}

/// A file with the fields of a module, each as `KEY=VALUE`.
func moduleFile(_ fields: String...) -> [UInt8] { moduleFile(Array(fields.map { "\($0)\0" }.joined().utf8)) }
