import Glibc
import NodeModel
import PCIBus
import Testing

@Suite struct PCIScanTests {
    @Test func tellsAVGPUFromItsCardAndItsNeighbours() async throws {
        let tree = try SysfsTree()
        try tree.add(.rtxPro6000)
        try tree.add(.hyperVDisplay)
        let result = await PCIScan(sysfs: tree.path).scan()
        #expect(result.unidentified == [])
        let expected = PCIFunction(
            address: PCIAddress(domain: 1, bus: 0, device: 0, function: 0),
            id: PCIID(vendor: 0x10de, device: 0x2bb5),
            subsystem: .present(PCIID(vendor: 0x1414, device: 0x2187)),
            classCode: 0x0302,
            revision: 0xa1,
            kernelDriver: .present("nvidia"),
            vgpuCapability: .present(VGPUCapability(hostDriverVersion: "595.58.03", hostDriverBranch: "r595_58")),
            iommuGroup: .absent
        )
        #expect(result.functions == .present([expected]))
    }

    @Test func listsTheDisplayDevicesOfABoundDriver() async throws {
        let tree = try SysfsTree()
        var function = FakeFunction.h100NVL
        function.driver = "a_new_drm_driver"
        try tree.add(function)
        for name in ["drm/renderD128", "drm/card0", "graphics/fb0"] {
            try tree.makeDirectory("devices/pci0001:00/0001:00:00.0/\(name)")
        }
        let found = try await only(tree)
        #expect(found.displayDevices == .present(["card0", "fb0", "renderD128"]))
        #expect(found.holder == .displayDriver("a_new_drm_driver"))
    }

    /// The platform devices of the firmware's frame buffer, as different kernels and drivers make them.
    @Test(
        arguments: [
            ("simple-framebuffer.0", "simple-framebuffer", "class/drm/card0"),
            ("simple-framebuffer.0", "simple-framebuffer", nil),
            ("efi-framebuffer.0", "efi-framebuffer", "class/graphics/fb0"),
            ("efi-framebuffer.0", "efi-framebuffer", nil),
            ("vesa-framebuffer.0", "vesa-framebuffer", nil), ("bootfb.0", "bootfb", nil),
            ("of-another-name.0", "of-another-name", "class/drm/card1"),
        ] as [(String, String, String?)]
    )
    func findsTheFirmwaresConsoleOnAGPU(_ device: String, _ driver: String, _ link: String?) async throws {
        let tree = try SysfsTree()
        try tree.add(.h100NVL)
        let home = "devices/pci0001:00/0001:00:00.0/\(device)"
        try tree.makeDirectory("bus/platform/drivers/\(driver)")
        try tree.makeDirectory(home)
        try tree.link("\(home)/driver", to: "../../../../bus/platform/drivers/\(driver)")
        if let link {
            let kind = link.contains("drm") ? "drm" : "graphics"
            let name = String(link.split(separator: "/").last ?? "")
            try tree.makeDirectory("\(home)/\(kind)/\(name)")
            try tree.link("\(home)/\(kind)/\(name)/device", to: "../..")
            try tree.makeDirectory("class/\(kind)")
            try tree.link(link, to: "../../\(home)/\(kind)/\(name)")
        }
        let function = try await only(tree)
        #expect(function.kernelDriver == .absent && function.firmwareDisplay == driver)
        #expect(function.holder == .displayDriver(driver))
    }

    @Test func aDisplayElsewhereIsNotOnTheGPU() async throws {
        let tree = try SysfsTree()
        try tree.add(.h100NVL)
        // A frame buffer without a driver, one below another function, one of the platform, and the GPU's own.
        try tree.makeDirectory("devices/pci0001:00/0001:00:00.0/simple-framebuffer.0")
        try tree.makeDirectory("devices/pci0001:00/0001:00:00.0/drm/card0")
        try tree.makeDirectory("devices/pci0000:00/0000:00:08.0/efi-framebuffer.0")
        try tree.makeDirectory("devices/platform/vesa-framebuffer.0")
        try tree.makeDirectory("bus/platform/drivers/efi-framebuffer")
        try tree.makeDirectory("class/drm")
        let places = [
            "pci0001:00/0001:00:00.0", "pci0000:00/0000:00:08.0/efi-framebuffer.0", "platform/vesa-framebuffer.0",
        ]
        for (number, place) in places.enumerated() {
            if number > 0 {
                try tree.link("devices/\(place)/driver", to: "/sys/bus/platform/drivers/efi-framebuffer")
            }
            try tree.makeDirectory("class/drm/card\(number)")
            try tree.link("class/drm/card\(number)/device", to: "../../../devices/\(place)")
        }
        let function = try await only(tree)
        #expect(function.firmwareDisplay == nil && function.holder == .nobodyElse)
    }

    @Test func readsACardPassedThroughWhole() async throws {
        let tree = try SysfsTree()
        try tree.add(.h100NVL)
        let function = try await only(tree)
        #expect(function.id == PCIID(vendor: 0x10de, device: 0x2321))
        #expect(function.subsystem == .present(PCIID(vendor: 0x10de, device: 0x1839)))
        #expect(function.kernelDriver == .absent)
        #expect(function.displayDevices == .absent)
        #expect(function.vgpuCapability == .absent)
        #expect(function.isGPU)
    }

    @Test func sortsAnHGXBoardAndCountsNoSwitchAsGPU() async throws {
        let tree = try SysfsTree()
        for address in ["0000:0a:00.0", "0000:07:00.0"] { try tree.add(.hgx(address, isSwitch: true)) }
        for address in ["0000:db:00.0", "0000:1b:00.0", "10000:01:00.0"] {
            try tree.add(.hgx(address, isSwitch: false))
        }
        let functions = try #require(await PCIScan(sysfs: tree.path).scan().functions.value)
        let addresses = ["0000:07:00.0", "0000:0a:00.0", "0000:1b:00.0", "0000:db:00.0", "10000:01:00.0"]
        #expect(functions.map(\.address.description) == addresses)
        #expect(functions.filter(\.isGPU).map(\.address.description) == Array(addresses.dropFirst(2)))
        #expect(functions.allSatisfy { $0.numaNode == .present(1) })
        #expect(functions.map(\.sriovTotalVFs) == [.absent, .absent] + [Reading](repeating: .present(32), count: 3))
    }

    @Test func listsTheAudioFunctionAndFollowsAVirtualOneToItsCard() async throws {
        let tree = try SysfsTree()
        try tree.add(.audio)
        var virtual = FakeFunction(address: "0000:65:00.4", id: (0x10de, 0x2236), physicalFunction: "0000:65:00.0")
        virtual.config = ConfigurationSpace.space(vendor: 0xffff, device: 0xffff, first: 0x40, [0x40: [0x10, 0]])
        try tree.add(virtual)
        let functions = try #require(await PCIScan(sysfs: tree.path).scan().functions.value)
        #expect(functions.map(\.classCode) == [0x0403, 0x0302])
        #expect(functions.map(\.isGPU) == [false, true])
        #expect(functions[0].kernelDriver == .present("snd_hda_intel"))
        let card = PCIAddress(domain: 0, bus: 0x65, device: 0, function: 0)
        #expect(functions.map(\.physicalFunction) == [.absent, .present(card)])
        #expect(functions[1].vgpuCapability == .absent)
        #expect(!functions[1].isLost)
    }

    @Test func anEmptyBusIsAnAnswer() async throws {
        let tree = try SysfsTree()
        #expect(await PCIScan(sysfs: tree.path).scan() == PCIScanResult(functions: .present([])))
    }

    @Test func aMissingBusIsUnreadableWithItsPath() async throws {
        let tree = try SysfsTree()
        tree.remove("bus")
        let failure = try #require(await PCIScan(sysfs: tree.path).scan().functions.failure)
        #expect(failure.reason == .io)
        #expect(failure.detail.contains("\(tree.path)/bus/pci/devices"))
    }

    @Test func aNameThatIsNoAddressIsAnErrorAndNotTheEndOfTheProcess() async throws {
        let tree = try SysfsTree()
        try tree.add(.h100NVL)
        try tree.makeDirectory("bus/pci/devices/nonsense")
        let failure = try #require(await PCIScan(sysfs: tree.path).scan().functions.failure)
        #expect(failure.detail.contains("nonsense"))
    }

    /// A damaged file of a function, and a part of the expected message.
    static let faults: [(file: String, contents: [UInt8]?, detail: String)] = [
        ("vendor", Array("no number\n".utf8), "vendor reads as 0000"),
        ("vendor", Array("0xffff\n".utf8), "vendor reads as ffff"),
        ("vendor", [UInt8](repeating: 0x30, count: 5000), "too long"),
        ("vendor", nil, "Cannot open"),
        ("device", nil, "Cannot open"),
        ("class", nil, "Cannot open"),
        ("class", Array("no class\n".utf8), "class is 'no class', not a hexadecimal number"),
        ("class", Array("\n".utf8), "class is '', not a hexadecimal number"),
        ("class", Array("0xzz0000\n".utf8), "class is '0xzz0000'"),
        ("device", Array("no device\n".utf8), "device is 'no device'"),
        ("class", Array("0x1030200\n".utf8), "class is '0x1030200', not a hexadecimal number of 24 bits"),
    ]

    @Test(arguments: faults)
    func oneBrokenFunctionDoesNotHideTheOthers(_ fault: (file: String, contents: [UInt8]?, detail: String)) async throws
    {
        let tree = try SysfsTree()
        try tree.add(.hgx("0000:1b:00.0", isSwitch: false))
        try tree.add(.hgx("0000:43:00.0", isSwitch: false))
        try tree.add(.hgx("0000:52:00.0", isSwitch: false))
        let file = tree.file("0000:43:00.0", fault.file)
        tree.remove(file)
        if let contents = fault.contents { try tree.write(file, contents) }
        let result = await PCIScan(sysfs: tree.path).scan()
        #expect(result.functions.value?.map(\.address.bus) == [0x1b, 0x52])
        let broken = try #require(result.unidentified.first)
        #expect(broken.address.bus == 0x43)
        #expect(broken.failure.detail.contains(fault.detail), "\(broken.failure.detail)")
    }

    @Test func oneBrokenAttributeDoesNotHideTheFunction() async throws {
        let tree = try SysfsTree()
        try tree.add(.h100NVL)
        let address = FakeFunction.h100NVL.address
        try tree.write(tree.file(address, "numa_node"), Array("east\n".utf8))
        try tree.makeDirectory(tree.file(address, "sriov_totalvfs"))
        try tree.link(tree.file(address, "physfn"), to: "../elsewhere")
        for name in ["config", "subsystem_vendor"] { tree.remove(tree.file(address, name)) }
        let function = try await only(tree)
        #expect(function.numaNode.failure?.reason == .malformed)
        #expect(function.sriovTotalVFs.failure?.reason == .io)
        #expect(function.physicalFunction.failure?.reason == .malformed)
        #expect(function.vgpuCapability.failure?.reason == .io)
        #expect(function.subsystem.value == nil)
    }

    @Test func withoutRightsTheCapabilityIsUnreadableAndNotAbsent() async throws {
        let tree = try SysfsTree()
        var function = FakeFunction.rtxPro6000
        function.config = function.config.map { Array($0.prefix(64)) }
        try tree.add(function)
        let capability = try await only(tree).vgpuCapability
        #expect(capability.failure?.reason == .permission)
    }

    @Test func aReadThatHangsIsGivenUpAndTheNextScanComesThrough() async throws {
        let tree = try SysfsTree()
        try tree.add(.h100NVL)
        let vendor = tree.file(FakeFunction.h100NVL.address, "vendor")
        tree.remove(vendor)
        try tree.makePipe(vendor)
        let scan = PCIScan(sysfs: tree.path)
        let hung = await scan.scan(deadline: .milliseconds(100))
        #expect(hung.functions.failure?.reason == .hang)
        // One more waits behind it, up to its own deadline.
        let waiting = await scan.scan(deadline: .milliseconds(100))
        #expect(waiting.functions.failure?.reason == .hang)
        // Opening the other end lets the reader go.
        let descriptor = open("\(tree.path)/\(vendor)", O_WRONLY)
        #expect(descriptor >= 0)
        tree.remove(vendor)
        try tree.write(vendor, Array("0x10de\n".utf8))
        close(descriptor)
        let next = await scan.scan()
        #expect(next.functions.value?.count == 1)
    }

    private func only(_ tree: SysfsTree) async throws -> PCIFunction {
        let result = await PCIScan(sysfs: tree.path).scan()
        #expect(result.unidentified == [])
        let functions = try #require(result.functions.value)
        #expect(functions.count == 1)
        return try #require(functions.first)
    }
}
