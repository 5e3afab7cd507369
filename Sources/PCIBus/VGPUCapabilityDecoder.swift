package import NodeModel
import Support

/// Finds the vGPU capability in the configuration space of a PCI function.
///
/// NVIDIA's vGPU hosts add a vendor-specific capability to the device of the guest:
///
///     status register 0x06, bit 4     the function has a capability list
///     0x34                            offset of the first capability; each capability is: ID, next, …
///     ID 0x09                         vendor specific: ID, next, length, 'V', 'F', records
///     record                          ID, length (including these two bytes), data
///     record 0                        10 bytes host driver version, 10 bytes host branch, padded with NUL
///
/// The device can be gone, broken or hostile, so the decoder checks every offset before it reads there.
package enum VGPUCapabilityDecoder {
    /// The size of the conventional configuration space, in bytes.
    ///
    /// Every PCI function has it. The decoder does not need the extended space of PCI Express.
    package static let spaceSize = 256

    /// The number of bytes that an unprivileged process can read.
    static let headerSize = 64

    /// Decodes the capability from the first bytes of a configuration space.
    ///
    /// - Parameters:
    ///   - space: The bytes that could be read: 256, or the first 64 without `CAP_SYS_ADMIN`.
    ///   - isVirtualFunction: Whether the function is an SR-IOV virtual function on its host. The vendor ID and the
    ///     device ID of such a function read as ffff, and the rest of its configuration space is valid. Source: PCI
    ///     Express Base Specification 5.0, section 9.3.4.1.
    /// - Returns: `absent` when the complete list has no such capability. `unreadable` when the list continues beyond
    ///   the given bytes (`permission`), is malformed (`malformed`), or when the device does not answer (`io`).
    package static func decode(
        configurationSpace space: [UInt8],
        isVirtualFunction: Bool = false
    ) -> Reading<VGPUCapability> {
        guard space.count >= headerSize else {
            return .unreadable(ReadFailure(.io, "only \(space.count) bytes of configuration space could be read"))
        }
        guard !space.prefix(isVirtualFunction ? headerSize : 4).allSatisfy({ $0 == 0xff }) else {
            return .unreadable(PCIFunction.noAnswer)
        }
        guard space[0x06] & 0x10 != 0 else { return .absent }
        return walk(Array(space.prefix(spaceSize)))
    }

    private static func walk(_ space: [UInt8]) -> Reading<VGPUCapability> {
        var visited: Set<Int> = []
        // The two low bits of an offset are reserved, and the PCI specification says to ignore them.
        var place = Int(space[0x34] & 0xfc)
        while place != 0 {
            guard place >= headerSize else {
                return malformed("a capability pointer points to \(byte(place)), which is inside the header")
            }
            guard visited.insert(place).inserted else {
                return malformed("the capability list loops back to \(byte(place))")
            }
            guard place + 4 <= space.count else { return beyond(place, space) }
            guard space[place] != 0xff else {
                return malformed("the capability list has no valid entry at \(byte(place))")
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

    /// Decodes the host driver version and branch in record 0.
    ///
    /// Both are nil when the records are damaged. The signature alone already identifies a vGPU.
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

    /// The text of a field padded with NUL; nil when it is empty or contains anything but printable ASCII.
    private static func text(_ field: ArraySlice<UInt8>) -> String? {
        let characters = field.prefix { $0 != 0 }
        guard !characters.isEmpty, characters.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
        return String(decoding: characters, as: UTF8.self)
    }

    private static func beyond(_ place: Int, _ space: [UInt8]) -> Reading<VGPUCapability> {
        let detail =
            "the capability list continues at \(byte(place)), but only the first \(space.count) bytes of "
            + "configuration space could be read"
        return .unreadable(ReadFailure(.permission, detail))
    }

    private static func malformed(_ detail: String) -> Reading<VGPUCapability> {
        .unreadable(ReadFailure(.malformed, detail))
    }

    private static func byte(_ place: Int) -> String { "0x" + hex(place, digits: 2) }
}
