import NodeModel
import PCIBus
import Testing

@Suite struct MemoryRegionTests {
    private static let none = "0x0000000000000000 0x0000000000000000 0x0000000000000000"
    private static let registers = "0x00000000a2000000 0x00000000a2ffffff 0x0000000000040200"
    private static let window = "0x0000004000000000 0x0000005fffffffff 0x000000000014220c"
    /// The kernel found no addresses for the window: it begins at 0, and the flags have IORESOURCE_UNSET.
    private static let unset = "0x0000000000000000 0x0000001fffffffff 0x000000002014220c"
    private static let ports = "0x0000000000003000 0x000000000000307f 0x0000000000040101"

    private static func file(_ lines: [String]) -> String {
        (lines + Array(repeating: none, count: 13 - lines.count)).joined(separator: "\n")
    }

    @Test(
        arguments: [
            (
                file([registers, window, none, none, none, ports]),
                [
                    MemoryRegion(bar: 0, size: 16 << 20, isAssigned: true),
                    MemoryRegion(bar: 1, size: 128 << 30, isAssigned: true),
                ]
            ),
            (
                file([registers, unset]),
                [
                    MemoryRegion(bar: 0, size: 16 << 20, isAssigned: true),
                    MemoryRegion(bar: 1, size: 128 << 30, isAssigned: false),
                ]
            ),
            (file([]), []), ("", nil), ("0x0 0x1\n", nil), (file(["0x10 0x0 0x200"]), nil),
            (file(["0x0 0xffffffffffffffff 0x200"]), nil), (file(["10 20 200"]), nil),
        ] as [(String, [MemoryRegion]?)]
    )
    func readsTheFileOfTheKernel(text: String, expected: [MemoryRegion]?) {
        #expect(MemoryRegion.read(text) == expected)
    }

    @Test(arguments: [(128 << 30, "BAR 1 (128 GiB)"), (256 << 20, "BAR 1 (256 MiB)"), (4 << 10, "BAR 1 (4 KiB)")])
    func aRegionHasItsSize(size: Int, name: String) {
        #expect(MemoryRegion(bar: 1, size: size, isAssigned: true).name == name)
    }

    @Test func theScanReadsTheRegionsOfGPUsOnly() async throws {
        let tree = try SysfsTree()
        var gpu = FakeFunction.h100NVL
        gpu.resource = Self.file([Self.registers, Self.unset])
        try tree.add(gpu)
        let found = try #require(await PCIScan(sysfs: tree.path).scan().functions.value)
        #expect(found.first?.unassignedRegions.map(\.bar) == [1])
        #expect(found.first?.lacksRegisters == false)
    }

    @Test func aFileThatIsNoListIsUnreadable() async throws {
        let tree = try SysfsTree()
        var gpu = FakeFunction.h100NVL
        gpu.resource = "nothing"
        try tree.add(gpu)
        let found = try #require(await PCIScan(sysfs: tree.path).scan().functions.value)
        #expect(found.first?.memoryRegions?.failure?.reason == .malformed)
        #expect(found.first?.unassignedRegions == [])
    }
}
