package import NodeModel
import Support

/// Finds the capability of a vGPU in a function's configuration space.
///
/// NVIDIA's vGPU hosts put a vendor-specific capability into the guest's device:
///
///     status register 0x06, bit 4     there is a list of capabilities
///     0x34                            its first place; each capability is: id, next, …
///     id 0x09                         vendor specific: id, next, length, 'V', 'F', records
///     record                          id, length (with these two bytes), data
///     record 0                        10 bytes host driver version, 10 bytes host branch, padded with NUL
///
/// The list comes from a device that may be gone, broken or hostile: every place is checked before it is read.
package enum VGPUCapabilityDecoder {
    /// The configuration space that every PCI function has; the extended space of PCI Express is not needed.
    package static let spaceSize = 256

    /// What an unprivileged reader gets of it.
    static let headerSize = 64

    /// Reads the capability out of the first bytes of a configuration space.
    ///
    /// - Parameter space: What could be read: 256 bytes, or the first 64 without `CAP_SYS_ADMIN`.
    /// - Returns: `absent` when the list was walked to its end and has no such capability; `unreadable` when it
    ///   leads beyond what was read (`permission`), or is no list (`malformed`), or the device does not answer (`io`).
    package static func decode(configurationSpace space: [UInt8]) -> Reading<VGPUCapability> {
        guard space.count >= headerSize else {
            return .unreadable(ReadFailure(.io, "only \(space.count) bytes of configuration space could be read"))
        }
        guard !space.prefix(4).allSatisfy({ $0 == 0xff }) else {
            return .unreadable(ReadFailure(.io, "configuration space reads as all ones: the device does not answer"))
        }
        guard space[0x06] & 0x10 != 0 else { return .absent }
        return walk(Array(space.prefix(spaceSize)))
    }

    private static func walk(_ space: [UInt8]) -> Reading<VGPUCapability> {
        var visited: Set<Int> = []
        // The two low bits of a place are reserved and must be ignored.
        var place = Int(space[0x34] & 0xfc)
        while place != 0 {
            guard place >= headerSize else {
                return malformed("a capability is said to be at \(byte(place)), inside the header")
            }
            guard visited.insert(place).inserted else {
                return malformed("the list of capabilities comes back to \(byte(place))")
            }
            guard place + 4 <= space.count else { return beyond(place, space) }
            guard space[place] != 0xff else {
                return malformed("the list of capabilities breaks off at \(byte(place))")
            }
            if space[place] == 0x09, space[place + 3] == UInt8(ascii: "V") {
                let end = place + max(5, Int(space[place + 2]))
                guard end <= space.count || space.count == spaceSize else { return beyond(place, space) }
                if place + 4 < space.count, space[place + 4] == UInt8(ascii: "F") {
                    return .present(records(space[(place + 5)..<min(end, space.count)]))
                }
            }
            place = Int(space[place + 1] & 0xfc)
        }
        return .absent
    }

    /// The texts of record 0.
    ///
    /// A damaged list of records leaves them nil: the signature alone already says that this is a vGPU.
    private static func records(_ bytes: ArraySlice<UInt8>) -> VGPUCapability {
        var rest = bytes
        while rest.count >= 2 {
            let id = rest[rest.startIndex]
            let length = Int(rest[rest.startIndex + 1])
            guard length >= 2, length <= rest.count else { break }
            if id == 0 {
                let data = rest.prefix(length).dropFirst(2)
                return VGPUCapability(
                    hostDriverVersion: text(data.prefix(10)),
                    hostDriverBranch: text(data.dropFirst(10).prefix(10))
                )
            }
            rest = rest.dropFirst(length)
        }
        return VGPUCapability(hostDriverVersion: nil, hostDriverBranch: nil)
    }

    /// A text padded with NUL; nil when it is empty or has anything but printable ASCII.
    private static func text(_ field: ArraySlice<UInt8>) -> String? {
        let characters = field.prefix { $0 != 0 }
        guard !characters.isEmpty, characters.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
        return String(decoding: characters, as: UTF8.self)
    }

    private static func beyond(_ place: Int, _ space: [UInt8]) -> Reading<VGPUCapability> {
        let detail =
            "the list of capabilities goes on at \(byte(place)), and only the first \(space.count) bytes of "
            + "configuration space could be read"
        return .unreadable(ReadFailure(.permission, detail))
    }

    private static func malformed(_ detail: String) -> Reading<VGPUCapability> {
        .unreadable(ReadFailure(.malformed, detail))
    }

    private static func byte(_ place: Int) -> String { "0x" + hex(place, digits: 2) }
}
