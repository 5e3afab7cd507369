import Catalog
import NodeModel
import TestSupport

/// Random nodes, valid and invalid, from the values that affect decisions.
struct RandomFacts {
    /// The IDs and versions from which nodes are created.
    struct Pool: Sendable {
        /// Cards with the IDs of their boards.
        var cards: [(device: UInt16, boards: [PCIID])]
        var types: [VGPUTypeKey]
        var versions: [String]

        /// A few values of each kind.
        static let few = Pool(
            cards: [
                (0x2bb5, [PCIID(vendor: 0x10de, device: 0x204e)]), (0x2321, [PCIID(vendor: 0x10de, device: 0x1839)]),
                (0x20b5, [PCIID(vendor: 0x10de, device: 0x1533)]), (0x1eb8, [PCIID(vendor: 0x10de, device: 0x12a2)]),
            ],
            types: [
                VGPUTypeKey(device: 0x2bb5, subsystemDevice: 0x2187),
                VGPUTypeKey(device: 0x2bb5, subsystemDevice: 0x216f),
            ],
            versions: ["595.91.07", "595.71.05", "580.105.08", "580.159.04", "550.1", "main"]
        )

        /// All values of a catalog.
        static func all(of catalog: Catalog) -> Pool {
            Pool(
                cards: catalog.gpus.values.sorted { $0.id.device < $1.id.device }.map { ($0.id.device, $0.subsystems) },
                types: catalog.vgpuTypes.keys.sorted {
                    ($0.device, $0.subsystemDevice) < ($1.device, $1.subsystemDevice)
                },
                versions: Set(catalog.drivers.map(\.version.description)).sorted() + ["560.35.05", "main"]
            )
        }
    }

    var random: SeededGenerator
    let pool: Pool

    init(seed: UInt64, pool: Pool = .few) {
        random = SeededGenerator(seed: seed)
        self.pool = pool
    }

    mutating func facts() -> NodeFacts {
        var facts = NodeFacts.h100
        facts.pci = reading(functions(), mostlyPresent: 25)
        let machine = pick(from: Self.machines)
        facts.host.architecture = reading(random.once(in: 8) ? .aarch64 : .x86_64, mostlyPresent: 25)
        facts.host.dmi = random.once(in: 25) ? reading(.azure, mostlyPresent: 2) : machine.dmi
        facts.host.hypervisor =
            random.once(in: 12) ? random.pick(.skipped("not inspected"), .absent, .present(false)) : machine.hypervisor
        facts.host.kernelRelease = reading(
            random.pick(NodeFacts.kernel, NodeFacts.kernel, "6.8.0-1044-azure", "6.11.0-1018-azure"),
            mostlyPresent: 12
        )
        facts.host.osRelease = reading(system(), mostlyPresent: 20)
        facts.host.usrIsReadOnly = reading(random.once(in: 20), mostlyPresent: 4)
        facts.host.secureBoot = reading(random.once(in: 8), mostlyPresent: 4)
        facts.host.lockdown = reading(random.once(in: 12) ? .integrity : .none, mostlyPresent: 4)
        facts.host.signatureEnforcement = reading(random.once(in: 12), mostlyPresent: 4)
        facts.build.compiler = reading("/usr/bin/gcc", mostlyPresent: 8)
        facts.build.headersRelease = reading(random.pick(NodeFacts.kernel, "5.4.0-1-azure"), mostlyPresent: 8)
        facts.driver = driver()
        facts.claims = claims(facts.driver)
        facts.vendor = vendor(facts.pci.value ?? [])
        return facts
    }

    private static let machines =
        SituationMachine.all.sorted { $0.key < $1.key }.map(\.value)
        + Array(repeating: SituationMachine.all["azure"], count: 8).compactMap(\.self)
        + ["aws", "gcp", "bare-metal"].compactMap { SituationMachine.all[$0] }

    mutating func policy() -> Policy {
        let version = version()
        return Policy(
            version: random.once(in: 10) ? DriverVersion(version) : nil,
            branch: random.once(in: 8) ? random.pick(580, 595, 570, 550, 535, 610) : nil,
            channel: random.once(in: 12) ? random.pick(.production, .lts, .newFeature) : nil,
            kernelModuleType: random.once(in: 6) ? random.pick(.open, .proprietary) : nil,
            workstation: random.once(in: 10),
            takeover: random.once(in: 3),
            migStrategy: random.pick(.none, .single, .mixed)
        )
    }

    /// A policy that sometimes has overrides for the GPUs of the node.
    mutating func policy(for facts: NodeFacts) -> Policy {
        var policy = policy()
        guard random.once(in: 5) else { return policy }
        for gpu in facts.gpus.prefix(2) {
            let subsystem = random.once(in: 3) ? nil : gpu.subsystem.value
            let treatment = random.pick(HardwareOverride.Treatment.physical, .physical, .vgpu, .vgpu, .ignored)
            policy.hardware.append(HardwareOverride(id: gpu.id, subsystem: subsystem, treatment: treatment))
        }
        return policy
    }

    private mutating func reading<Value>(_ value: Value, mostlyPresent times: Int) -> Reading<Value> {
        guard random.once(in: times) else { return .present(value) }
        return random.pick(.absent, .unreadable(.denied), .unreadable(ReadFailure(.hang, "no answer")), .skipped("no"))
    }

    private mutating func pick<Value>(from values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }

    private mutating func version() -> String { pick(from: pool.versions) }

    private mutating func system() -> OSRelease {
        let words = random.pick(("ubuntu", "22.04"), ("ubuntu", "22.04"), ("ubuntu", "24.04"), ("rhel", "8.9"))
        guard random.once(in: 25) else { return OSRelease(id: words.0, versionID: words.1, prettyName: nil) }
        let immutable = random.pick(("bottlerocket", nil), ("cos", nil), ("talos", nil), ("azurelinux", "osguard"))
        return OSRelease(id: immutable.0, versionID: nil, prettyName: nil, variantID: immutable.1)
    }
}

// MARK: - The bus

extension RandomFacts {
    private mutating func functions() -> [PCIFunction] {
        let model = function()
        let mixes = random.once(in: 5)
        return (0..<random.pick(0, 1, 1, 1, 2, 4)).map { bus in
            (mixes && random.once(in: 2) ? function() : model).at(bus: UInt8(bus))
        }
    }

    private mutating func function() -> PCIFunction {
        var function = PCIFunction.h100
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<9: vgpu(&function)
        case 9..<17: physical(&function)
        default: odd(&function)
        }
        if random.once(in: 25) { function.id.vendor = 0x1002 }
        if random.once(in: 10) { function.classCode = random.pick(0x0300, 0x0300, 0x0680, 0x0403) }
        if random.once(in: 20) { function.subsystem = reading(PCIID(vendor: 0x10de, device: 1), mostlyPresent: 2) }
        if random.once(in: 40) { function.sriovTotalVFs = random.pick(.present(0), .present(16), .unreadable(.denied)) }
        if random.once(in: 80) {
            function.physicalFunction = .present(PCIAddress(domain: 1, bus: 0, device: 0, function: 0))
        }
        if random.once(in: 12) {
            function.kernelDriver = .present(random.pick("nvidia", "nouveau", "vfio-pci", "pci-stub"))
        }
        return function
    }

    private mutating func vgpu(_ function: inout PCIFunction) {
        let type = pick(from: pool.types)
        function.id.device = type.device
        let vendor: UInt16 = random.pick(0x10de, 0x1414, 0xffff)
        function.subsystem = .present(PCIID(vendor: vendor, device: type.subsystemDevice))
        function.vgpuCapability = random.once(in: 3) ? .absent : capability()
    }

    private mutating func physical(_ function: inout PCIFunction) {
        let card = pick(from: pool.cards)
        function.id.device = card.device
        let unlisted = PCIID(vendor: random.pick(0x10de, 0x1028), device: 0x0001)
        function.subsystem = .present(card.boards.isEmpty || random.once(in: 4) ? unlisted : pick(from: card.boards))
        if random.once(in: 10) { function.vgpuCapability = random.pick(.unreadable(.denied), capability()) }
    }

    /// Sets IDs that do not belong together, or that no product has.
    private mutating func odd(_ function: inout PCIFunction) {
        function.id.device = random.pick(pick(from: pool.cards).device, 0xffff, 0x2fff)
        let board = PCIID(vendor: random.pick(0x10de, 0x1414, 0x1028), device: pick(from: pool.types).subsystemDevice)
        function.subsystem = reading(board, mostlyPresent: 6)
        function.vgpuCapability = random.pick(.absent, capability(), .skipped("no"))
    }

    private mutating func capability() -> Reading<VGPUCapability> {
        let hosts = [
            "595.58.03", "595.58.03", "580.82.02", "570.211.01", "570.1", "550.144.02", "535.1", "620.1", "610.1", "x",
        ]
        guard !random.once(in: 12) else { return random.pick(.unreadable(.denied), VGPUCapability.host(nil)) }
        return VGPUCapability.host(pick(from: hosts))
    }
}

// MARK: - The driver and its owners

extension RandomFacts {
    private mutating func driver() -> DriverFacts {
        guard !random.once(in: 2) else { return .none }
        var driver = DriverFacts.loaded(
            version(),
            random.pick(.open, .proprietary),
            kind: random.pick(.grid, .datacenter),
            record: random.pick(nil, nil, .installed, .started)
        )
        if random.once(in: 3) { driver = driver.unloaded }
        if random.once(in: 10) { driver.moduleFile = random.pick(.absent, .unreadable(.denied)) }
        let library = LibraryFile(path: "/usr/lib/libcuda.so.1", version: version())
        if random.once(in: 10) { driver.cudaLibrary = random.pick(.absent, .present(library)) }
        if random.once(in: 20) { driver.otherLibraries = random.pick(.present([]), .present([library])) }
        if random.once(in: 8) { driver.gridDaemon = .unreadable(.denied) }
        if random.once(in: 20) { driver.loadedVersion = .unreadable(.denied) }
        if random.once(in: 60) { driver.loadedModules = .present(["nvidia", "nvidia_vgpu_vfio"]) }
        guard var record = driver.record.value, random.once(in: 3) else { return driver }
        record.state = random.pick(.started, .changing, .installed)
        record.replaces = random.pick(nil, version(), driver.sources.first?.version)
        if random.once(in: 4) { record.version = version() }
        if record.state == .changing, random.once(in: 4) { record.takesOver = random.pick(.runfile, .aksImage) }
        driver.record = random.once(in: 8) ? .unreadable(.denied) : .present(record)
        return driver
    }

    private mutating func claims(_ driver: DriverFacts) -> ClaimFacts {
        var claims = ClaimFacts.none
        // A trace of another driver than the one that is there says nothing of this one.
        let version = random.once(in: 5) ? version() : driver.sources.first?.version ?? version()
        if random.once(in: 5) { claims.runfile = reading(version, mostlyPresent: 8) }
        if random.once(in: 6) {
            let manager: DriverPackage.Manager = random.pick(.dpkg, .rpm)
            let name = random.pick("nvidia-driver-580-server", "nvidia-linux-grid-580")
            let package = DriverPackage(manager: manager, name: name, version: "3:\(version)-0ubuntu1")
            claims.packages = reading([package], mostlyPresent: 8)
        }
        if random.once(in: 6) {
            claims.dkms = reading([DKMSTree(name: "nvidia", version: version, kernels: [])], mostlyPresent: 8)
        }
        if random.once(in: 6) {
            let kind = random.pick(nil, "cuda", "cuda-lts", "grid", "grid-v20")
            let marker = AKSMarker(version: random.once(in: 8) ? nil : version, kind: kind, kernel: nil)
            claims.aksMarker = reading(marker, mostlyPresent: 8)
        }
        if random.once(in: 12) { claims.gridUnit = .present("/etc/systemd/system/nvidia-gridd.service") }
        if random.once(in: 25) {
            let container = DriverContainer(
                isMounted: random.once(in: 2),
                version: nil,
                hasPIDFile: random.once(in: 2),
                validations: [".driver-ctr-ready"]
            )
            claims.driverContainer = reading(container, mostlyPresent: 8)
        }
        if random.once(in: 4) {
            claims.deviceUsers = reading([deviceUser()], mostlyPresent: 3)
        }
        if random.once(in: 10) { claims.nodeLabels = labels() }
        return claims
    }

    private mutating func deviceUser() -> DeviceUser {
        let unit = random.pick(nil, "nvidia-persistenced.service", "nvidia-dcgm.service")
        return DeviceUser(pid: 7, command: "python3", nodes: [], unit: unit)
    }

    private mutating func labels() -> Reading<[String: String]> {
        let operatorLabel = ["nvidia.com/gpu.deploy.driver": operatorValue()]
        let gke = ["cloud.google.com/gke-gpu-driver-version": random.pick("latest", "default", "disabled")]
        return random.pick(.present(operatorLabel), .present(operatorLabel), .present(gke), .unreadable(.denied))
    }

    private mutating func operatorValue() -> String {
        random.pick("true", "false", "", "pre-installed", "paused-for-driver-upgrade", "x_paused-for-driver-upgrade")
    }

    /// The results of NVML, which are usually right for each GPU.
    private mutating func vendor(_ functions: [PCIFunction]) -> Reading<VendorFacts> {
        guard !random.once(in: 2) else { return random.pick(.absent, .skipped("no"), .unreadable(.denied)) }
        let count = random.once(in: 6) ? random.pick(0, 1, 2, 4) : functions.count
        let gpus = (0..<count).map { index in
            var gpu: GPUFacts
            switch random.pick(0, 0, 0, 1, 1, 1, 2) {
            case 0: gpu = GPUFacts.h100.at(index: index)
            case 1: gpu = rtxPro(index)
            default: return GPUFacts.lost(index: index)
            }
            let isVGPU = index < functions.count && functions[index].vgpuCapability.value != nil
            gpu.virtualization = isVGPU ? .present(.vgpu) : random.pick(.absent, .present(.passthrough), .absent)
            if random.once(in: 40) { gpu.virtualization = .present(random.pick(.none, .vgpu, .hostVgpu, .passthrough)) }
            return gpu
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
        gpu.license = random.pick(gpu.license, .present(LicenseFacts(licensed: false, product: nil)), .absent)
        return gpu
    }
}
