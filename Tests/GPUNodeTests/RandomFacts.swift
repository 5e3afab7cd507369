import GPUNode
import TestSupport

/// Nodes, good and absurd, out of the values that decide something.
struct RandomFacts {
    var random: SeededGenerator

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    mutating func facts() -> NodeFacts {
        var facts = NodeFacts.h100
        facts.pci = reading(functions(), mostlyPresent: 12)
        facts.host.architecture = reading(random.pick(.x86_64, .x86_64, .x86_64, .aarch64), mostlyPresent: 12)
        facts.host.dmi = reading(dmi(), mostlyPresent: 12)
        facts.host.kernelRelease = reading(NodeFacts.kernel, mostlyPresent: 12)
        facts.host.secureBoot = reading(random.once(in: 8), mostlyPresent: 4)
        facts.build.compiler = reading("/usr/bin/gcc", mostlyPresent: 8)
        facts.build.headersRelease = reading(random.pick(NodeFacts.kernel, "5.4.0-1-azure"), mostlyPresent: 8)
        facts.driver = driver()
        facts.vendor = vendor()
        return facts
    }

    mutating func policy() -> Policy {
        let version = version()
        return Policy(
            version: random.once(in: 10) ? DriverVersion(version) : nil,
            branch: random.once(in: 8) ? random.pick(580, 595, 550) : nil,
            flavour: random.once(in: 6) ? random.pick(.open, .proprietary) : nil,
            migStrategy: random.pick(.none, .single, .mixed)
        )
    }

    private mutating func reading<Value>(_ value: Value, mostlyPresent times: Int) -> Reading<Value> {
        guard random.once(in: times) else { return .present(value) }
        return random.pick(.absent, .unreadable(.denied), .unreadable(ReadFailure(.hang, "no answer")), .skipped("no"))
    }

    private mutating func functions() -> [PCIFunction] {
        let model = function()
        return (0..<random.pick(0, 1, 1, 1, 2, 4)).map { bus in
            (random.once(in: 4) ? function() : model).at(bus: UInt8(bus))
        }
    }

    private mutating func function() -> PCIFunction {
        var function = PCIFunction.h100
        function.id.device = random.pick(0x2bb5, 0x2bb5, 0x2321, 0x20b5, 0x27b8, 0x1eb8, 0xffff)
        function.id.vendor = random.once(in: 20) ? 0x1002 : 0x10de
        let board = PCIID(
            vendor: random.pick(0x10de, 0x1414, 0x1028),
            device: random.pick(0x2187, 0x216f, 0x204e, 0x1839, 0x1533, 0x12a2, 0x0001)
        )
        function.subsystem = reading(board, mostlyPresent: 10)
        function.classCode = random.pick(0x0302, 0x0302, 0x0300, 0x0680, 0x0403)
        let version = random.pick("595.58.03", "580.82.02", "570.1", "x", nil)
        function.vgpuCapability =
            random.once(in: 2)
            ? .present(VGPUCapability(hostDriverVersion: version, hostDriverBranch: nil))
            : random.pick(.absent, .absent, .unreadable(.denied))
        return function
    }

    private mutating func dmi() -> DMIFacts {
        let aws = DMIFacts(systemVendor: "Amazon EC2", productName: nil, chassisAssetTag: nil)
        return random.pick(
            .azure,
            .azure,
            .azure,
            aws,
            DMIFacts(systemVendor: nil, productName: nil, chassisAssetTag: nil)
        )
    }

    private mutating func version() -> String {
        random.pick("595.91.07", "595.71.05", "580.105.08", "580.159.04", "550.1", "main")
    }

    private mutating func driver() -> DriverFacts {
        guard !random.once(in: 3) else { return .none }
        var driver = DriverFacts.loaded(
            version(),
            random.pick(.open, .proprietary),
            kind: random.pick(.grid, .datacenter),
            record: random.pick(nil, .installed, .started)
        )
        if random.once(in: 3) { driver = driver.unloaded }
        if random.once(in: 6) { driver.moduleFile = random.pick(.absent, .unreadable(.denied)) }
        let library = LibraryFile(path: "/usr/lib/libcuda.so.1", version: version())
        if random.once(in: 8) { driver.cudaLibrary = random.pick(.absent, .present(library)) }
        if random.once(in: 8) { driver.gridDaemon = .unreadable(.denied) }
        if random.once(in: 20) { driver.loadedVersion = .unreadable(.denied) }
        return driver
    }

    private mutating func vendor() -> Reading<VendorFacts> {
        guard !random.once(in: 3) else { return random.pick(.absent, .skipped("no"), .unreadable(.denied)) }
        let gpus = (0..<random.pick(0, 1, 1, 2, 4)).map { index in
            switch random.pick(0, 0, 1, 1, 2) {
            case 0: GPUFacts.h100.at(index: index)
            case 1: rtxPro(index)
            default: GPUFacts.lost(index: index)
            }
        }
        guard case .present(var vendor) = Reading.answering(version(), gpus: gpus) else { return .absent }
        if random.once(in: 5) { vendor.nvml = random.pick(.absent, .unreadable(ReadFailure(.hang, "no answer"))) }
        if random.once(in: 5) { vendor.cuda = random.pick(.absent, .unreadable(.denied), .present([])) }
        return .present(vendor)
    }

    private mutating func rtxPro(_ index: Int) -> GPUFacts {
        var gpu = GPUFacts.rtxProVGPU.at(index: index)
        var device = MIGDevice.wholeRTXPro
        device.profile = random.pick("4g.96gb", "1g.24gb+me.all", "2g.48gb")
        if random.once(in: 4) { device.attributes = random.pick(.absent, .unreadable(.denied)) }
        gpu.migDevices = random.pick(
            .present([device]),
            .present([.wholeRTXPro, device]),
            .present([]),
            .unreadable(.denied)
        )
        gpu.licence = random.pick(gpu.licence, .present(LicenceFacts(licensed: false, product: nil)), .absent)
        return gpu
    }
}
