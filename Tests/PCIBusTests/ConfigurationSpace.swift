/// Builds configuration spaces for tests.
enum ConfigurationSpace {
    /// A configuration space with an empty header, except for its IDs, the capability flag and the first capability
    /// pointer.
    static func space(vendor: UInt16 = 0x10de, device: UInt16 = 0x1eb8, first: UInt8, _ parts: [Int: [UInt8]])
        -> [UInt8]
    {
        var space = [UInt8](repeating: 0, count: 256)
        space.replaceSubrange(0..<4, with: [vendor, device].flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] })
        space[0x06] = 0x10
        space[0x34] = first
        for (place, bytes) in parts { space.replaceSubrange(place..<place + bytes.count, with: bytes) }
        return space
    }

    /// A vGPU capability at `place`, followed by an MSI capability at 0x68.
    static func vgpu(version: String, branch: String, at place: UInt8 = 0xd0) -> [UInt8] {
        let records = [0, 22] + padded(version) + padded(branch)
        let capability: [UInt8] = [0x09, 0x68, UInt8(5 + records.count), 0x56, 0x46] + records
        return space(first: place, [Int(place): capability, 0x68: [0x05, 0x00, 0x81, 0x00]])
    }

    static func padded(_ text: String) -> [UInt8] {
        Array((Array(text.utf8) + [UInt8](repeating: 0, count: 10)).prefix(10))
    }
}

/// Random numbers that are the same in every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
