import NodeModel
import PCIBus
import Testing

@Suite struct VGPUCapabilityDecoderTests {
    struct Case: CustomTestStringConvertible {
        var name: String
        var space: [UInt8]
        var expected: Reading<VGPUCapability>
        var testDescription: String { name }
    }

    static let t4 = VGPUCapability(hostDriverVersion: "460.16", hostDriverBranch: "r460_00")
    static let unnamed = VGPUCapability(hostDriverVersion: nil, hostDriverBranch: nil)

    /// The vendor-specific capability of a T4-8Q as its host writes it: the list starts at 0xd0, and the capability is
    /// 0x1b bytes long.
    static let t4Space = ConfigurationSpace.vgpu(version: "460.16", branch: "r460_00")

    static let readable = [
        Case(name: "a T4 vGPU", space: t4Space, expected: .present(t4)),
        Case(
            name: "an RTX PRO 6000 vGPU",
            space: ConfigurationSpace.vgpu(version: "595.58.03", branch: "r595_58"),
            expected: .present(VGPUCapability(hostDriverVersion: "595.58.03", hostDriverBranch: "r595_58"))
        ),
        Case(
            name: "a version that fills its field",
            space: ConfigurationSpace.vgpu(version: "580.105.08", branch: "r580_105_0"),
            expected: .present(VGPUCapability(hostDriverVersion: "580.105.08", hostDriverBranch: "r580_105_0"))
        ),
        Case(
            name: "a passed-through card: power, interrupts, express, a vendor capability without signature",
            space: ConfigurationSpace.space(
                first: 0x60,
                [
                    0x60: [0x01, 0x68, 0x03, 0x00], 0x68: [0x05, 0x78, 0x81, 0x00], 0x78: [0x10, 0xb4, 0x02, 0x00],
                    0xb4: [0x09, 0x00, 0x14, 0x01, 0x00],
                ]
            ),
            expected: .absent
        ),
        Case(
            name: "the second vendor capability is the vGPU's",
            space: ConfigurationSpace.space(
                first: 0x40,
                [0x40: [0x09, 0x50, 0x08, 0x01, 0x00], 0x50: [0x09, 0x00, 0x05, 0x56, 0x46]]
            ),
            expected: .present(unnamed)
        ),
        Case(
            name: "the two low bits of a place are ignored",
            space: ConfigurationSpace.space(first: 0x43, [0x40: [0x09, 0x03, 0x05, 0x56, 0x46]]),
            expected: .present(unnamed)
        ),
        Case(
            name: "the record of the versions is not the first",
            space: ConfigurationSpace.space(
                first: 0x40,
                [
                    0x40: [0x09, 0x00, 0x1f, 0x56, 0x46, 0x07, 0x04, 0xaa, 0xbb, 0x00, 0x16]
                        + ConfigurationSpace.padded("460.16") + ConfigurationSpace.padded("r460_00")
                ]
            ),
            expected: .present(t4)
        ),
        Case(
            name: "no list of capabilities, whatever the pointer says",
            space: [UInt8](repeating: 0, count: 0x34) + [0xd0] + [UInt8](repeating: 0, count: 203),
            expected: .absent
        ),
        Case(name: "an empty list", space: ConfigurationSpace.space(first: 0, [:]), expected: .absent),
        Case(
            name: "64 bytes without a list",
            space: [UInt8](repeating: 0, count: 64),
            expected: .absent
        ),
    ]

    static let hostile = [
        Case(
            name: "a record of length zero",
            space: ConfigurationSpace.space(first: 0x40, [0x40: [0x09, 0x00, 0x1b, 0x56, 0x46, 0x07, 0x00]]),
            expected: .present(unnamed)
        ),
        Case(
            name: "a record beyond the capability",
            space: ConfigurationSpace.space(first: 0x40, [0x40: [0x09, 0x00, 0x0a, 0x56, 0x46, 0x00, 0x16, 0x34]]),
            expected: .present(unnamed)
        ),
        Case(
            name: "a capability of length zero",
            space: ConfigurationSpace.space(first: 0x40, [0x40: [0x09, 0x00, 0x00, 0x56, 0x46, 0x00, 0x16]]),
            expected: .present(unnamed)
        ),
        Case(
            name: "a capability beyond the end of the space",
            space: ConfigurationSpace.space(first: 0xf0, [0xf0: [0x09, 0x00, 0xff, 0x56, 0x46, 0x00, 0x16, 0x34]]),
            expected: .present(unnamed)
        ),
        Case(
            name: "a signature cut off by the end of the space",
            space: ConfigurationSpace.space(first: 0xfc, [0xfc: [0x09, 0x00, 0x1b, 0x56]]),
            expected: .absent
        ),
        Case(
            name: "a version that is no text",
            space: ConfigurationSpace.vgpu(version: "\u{1b}[2J", branch: "r460_00"),
            expected: .present(VGPUCapability(hostDriverVersion: nil, hostDriverBranch: "r460_00"))
        ),
    ]

    @Test(arguments: readable + hostile)
    func decodes(_ row: Case) {
        #expect(VGPUCapabilityDecoder.decode(configurationSpace: row.space) == row.expected)
    }

    static let unreadable: [(String, [UInt8], ReadFailure.Reason)] = [
        ("what a reader without rights gets of a T4 vGPU", Array(t4Space.prefix(64)), .permission),
        ("half of the capability", Array(t4Space.prefix(0xd8)), .permission),
        ("a capability without its signature", Array(t4Space.prefix(0xd4)), .permission),
        ("nothing", [], .io),
        ("a device that does not answer", [UInt8](repeating: 0xff, count: 256), .io),
        ("a chain of ff", ConfigurationSpace.space(first: 0xff, [0xfc: [0xff, 0xff, 0xff, 0xff]]), .malformed),
        ("a capability that leads to itself", ConfigurationSpace.space(first: 0x40, [0x40: [1, 0x40]]), .malformed),
        ("a loop of two", ConfigurationSpace.space(first: 0x40, [0x40: [1, 0x50], 0x50: [5, 0x40]]), .malformed),
        ("a capability in the header", ConfigurationSpace.space(first: 0x10, [:]), .malformed),
    ]

    @Test(arguments: unreadable)
    func tellsWhyNot(_ name: String, _ space: [UInt8], _ reason: ReadFailure.Reason) {
        #expect(VGPUCapabilityDecoder.decode(configurationSpace: space).failure?.reason == reason, "\(name)")
    }

    @Test func allOnesAreADeviceThatDoesNotAnswer() {
        let reading = VGPUCapabilityDecoder.decode(configurationSpace: [UInt8](repeating: 0xff, count: 256))
        #expect(reading == .unreadable(PCIFunction.noAnswer))
    }

    /// The vendor ID and the device ID of a virtual function read as ffff, and the rest of its space is valid.
    @Test func aVirtualFunctionAnswersWithoutIDs() {
        func decode(_ space: [UInt8]) -> Reading<VGPUCapability> {
            VGPUCapabilityDecoder.decode(configurationSpace: space, isVirtualFunction: true)
        }
        let space = ConfigurationSpace.space(vendor: 0xffff, device: 0xffff, first: 0x40, [0x40: [0x10, 0x00]])
        #expect(decode(space) == .absent)
        #expect(VGPUCapabilityDecoder.decode(configurationSpace: space) == .unreadable(PCIFunction.noAnswer))
        #expect(decode([UInt8](repeating: 0xff, count: 256)) == .unreadable(PCIFunction.noAnswer))
    }

    @Test func survivesAnyInput() {
        var generator = SeededGenerator(state: 20_260_713)
        var seen: [String: Int] = [:]
        for _ in 0..<100_000 {
            var space = Self.t4Space
            if Bool.random(using: &generator) { space = space.map { _ in .random(in: 0...255, using: &generator) } }
            space[0x06] |= 0x10
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                space[.random(in: 0..<256, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            let count = Bool.random(using: &generator) ? 256 : Int.random(in: 0...300, using: &generator)
            let reading = VGPUCapabilityDecoder.decode(configurationSpace: Array(space.prefix(count)))
            seen[reading.failure?.reason.rawValue ?? (reading.isAbsent ? "absent" : "present"), default: 0] += 1
        }
        // The inputs are worth something only if they lead everywhere.
        #expect(Set(seen.keys) == ["present", "absent", "permission", "io", "malformed"])
    }
}
