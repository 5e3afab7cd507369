import FoundationEssentials
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

    /// A region with 64 bits for which the firmware found addresses below 4 GiB.
    private static let low = "0x00000000e4000000 0x00000000e5ffffff 0x000000000014220c"

    private static func region(
        _ bar: Int,
        _ size: Int,
        isAssigned: Bool = true,
        is64Bit: Bool = true,
        isAbove4G: Bool = false
    ) -> MemoryRegion {
        MemoryRegion(bar: bar, size: size, isAssigned: isAssigned, is64Bit: is64Bit, isAbove4G: isAbove4G)
    }

    private static func file(_ lines: [String]) -> String {
        (lines + Array(repeating: none, count: 13 - lines.count)).joined(separator: "\n")
    }

    @Test(
        arguments: [
            (
                file([registers, window, none, low, none, ports]),
                [
                    region(0, 16 << 20, is64Bit: false), region(1, 128 << 30, isAbove4G: true),
                    region(3, 32 << 20),
                ]
            ),
            (
                file([registers, unset]),
                [region(0, 16 << 20, is64Bit: false), region(1, 128 << 30, isAssigned: false)]
            ),
            (file([]), []), ("", nil), ("0x0 0x1\n", nil), (file(["0x10 0x0 0x200"]), nil),
            (file(["0x0 0xffffffffffffffff 0x200"]), nil), (file(["10 20 200"]), nil),
        ] as [(String, [MemoryRegion]?)]
    )
    func readsTheFileOfTheKernel(text: String, expected: [MemoryRegion]?) {
        #expect(MemoryRegion.read(text) == expected)
    }

    /// The first text is the example of the kernel's documentation (`Documentation/ABI/testing/sysfs-bus-pci`).
    @Test(
        arguments: [
            ("00000000000001c0", [64, 128, 256]), ("0000000000000001", [1]), ("0000000000000000", nil), ("", nil),
            ("0x1c0", nil), ("-1", nil), ("000000000000001c0", nil), ("8000000000000000", nil),
            ("0000040000000000", [1 << 42]),
        ] as [(String, [Int]?)]
    )
    func readsTheSizesOfAResizableBAR(text: String, sizes: [Int]?) {
        #expect(MemoryRegion.readSizes(text) == sizes)
    }

    /// A facts file can have any number.
    @Test(
        arguments: [
            ([64, 128, 256], nil), ([64, 256, 32768], 32 << 30), (nil, nil), ([], nil), ([.max], nil), ([-1, 0], nil),
            ([1 << 42], 1 << 62),
        ] as [([Int]?, Int?)]
    )
    func theLargestSizeCountsWhenItIsLarger(sizes: [Int]?, larger: Int?) {
        #expect(MemoryRegion(bar: 1, size: 256 << 20, isAssigned: true, sizesMiB: sizes).largerSize == larger)
    }

    @Test func factsOfAnEarlierVersionDoNotSayWhereARegionIs() throws {
        let text = #"{"bar": 1, "size": 137438953472, "isAssigned": true}"#
        let region = try JSONDecoder().decode(MemoryRegion.self, from: Data(text.utf8))
        #expect(region == MemoryRegion(bar: 1, size: 128 << 30, isAssigned: true))
    }

    @Test func theScanReadsThePlatformOfAGPU() async throws {
        let tree = try SysfsTree()
        var gpu = FakeFunction.hgx("0001:00:00.0", isSwitch: false)
        gpu.resource = Self.file([Self.registers, Self.window])
        try tree.add(gpu)
        try tree.write(tree.file(gpu.address, "resource1_resize"), Array("0000000000020000\n".utf8))
        try tree.write(tree.file(gpu.address, "sriov_numvfs"), Array("16\n".utf8))
        try tree.makeDirectory("kernel/iommu_groups/12")
        try tree.write("kernel/iommu_groups/12/type", Array("DMA-FQ\n".utf8))
        try tree.link(tree.file(gpu.address, "iommu_group"), to: "../../../kernel/iommu_groups/12")
        let found = try #require(await PCIScan(sysfs: tree.path).scan().functions.value?.first)
        #expect(found.memoryRegions?.value?.map(\.sizesMiB) == [nil, [128 << 10]])
        #expect(found.sriovVFs == .present(16))
        #expect(found.iommuGroup == .present(IOMMUGroup(number: 12, type: .present("DMA-FQ"))))
    }

    @Test func aKernelWithoutTheseFilesSaysNothing() async throws {
        let tree = try SysfsTree()
        var gpu = FakeFunction.h100NVL
        gpu.resource = Self.file([Self.registers, Self.window])
        try tree.add(gpu)
        try tree.link(tree.file(gpu.address, "iommu_group"), to: "../nowhere")
        let found = try #require(await PCIScan(sysfs: tree.path).scan().functions.value?.first)
        #expect(found.memoryRegions?.value?.map(\.sizesMiB) == [nil, nil])
        #expect(found.sriovVFs == nil)
        #expect(found.iommuGroup?.failure?.reason == .malformed)
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
