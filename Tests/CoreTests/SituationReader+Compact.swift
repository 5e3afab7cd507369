import Catalog
import NodeModel
import TestSupport

/// PCI functions in one line: `8x 2330 sub 10de:16c1`, `2bb5 sub 1414:2187 vf 595.58.03 nvml vgpu`.
struct CompactFunction {
    var count = 1
    var function: PCIFunction
    /// The virtualization mode that NVML reports for each function; nil when NVML reports none.
    var virtualization: VirtualizationMode?
    /// The license that NVML shows; nil where it shows none.
    var license: LicenseFacts?

    init?(_ text: String) {
        var words = Words(text)
        guard var id = words.next() else { return nil }
        if id.hasSuffix("x"), let count = Int(id.dropLast()), let next = words.next() {
            (self.count, id) = (count, next)
        }
        guard let id = PCIID(id.contains(":") ? id : "10de:\(id)") else { return nil }
        function = PCIFunction(
            address: PCIAddress(domain: 0, bus: 0, device: 0, function: 0),
            id: id,
            subsystem: .absent,
            classCode: 0x0302
        )
        while let word = words.next() {
            guard let argument = word == "named" ? words.all() : words.next(), read(word, argument) else { return nil }
        }
    }

    private mutating func read(_ word: String, _ argument: String) -> Bool {
        switch word {
        case "sub":
            guard argument != "unreadable" else {
                function.subsystem = .unreadable(.denied)
                return true
            }
            guard let id = PCIID(argument) else { return false }
            function.subsystem = .present(id)
        case "class":
            guard let code = UInt16(argument, radix: 16) else { return false }
            function.classCode = code
        case "vf":
            function.vgpuCapability =
                argument == "unreadable"
                ? .unreadable(.denied) : VGPUCapability.host(argument == "empty" ? nil : argument)
        case "totalvfs":
            guard let count = Int(argument) else { return false }
            function.sriovTotalVFs = .present(count)
        case "physfn":
            guard let bus = UInt8(argument) else { return false }
            function.physicalFunction = .present(PCIAddress(domain: 0, bus: bus, device: 0, function: 0))
        case "bound": function.kernelDriver = .present(argument)
        case "nvml":
            guard let mode = VirtualizationMode(rawValue: argument) else { return false }
            virtualization = mode
        case "license":
            license = LicenseFacts(licensed: argument == "granted", product: "NVIDIA RTX Virtual Workstation")
        case "named": function.name = argument
        default: return false
        }
        return true
    }
}

extension DriverFacts {
    /// A driver on the host in one line: `grid 570.211.01 proprietary unloaded`.
    init?(compact text: String) {
        var words = Words(text)
        guard let kind = words.next().flatMap(DriverKind.init), let version = words.next(),
            let kernelModuleType = words.next().flatMap(KernelModuleType.init)
        else { return nil }
        self = .loaded(version, kernelModuleType, kind: kind)
        while let word = words.next() {
            switch word {
            case "in":
                let path = words.next() ?? ""
                moduleFile = moduleFile.map {
                    ModuleFile(path: path, version: $0.version, kernelModuleType: $0.kernelModuleType)
                }
            case "unloaded": self = unloaded
            case "no-module":
                self = unloaded
                moduleFile = .absent
            case "no-gridd": gridDaemon = .absent
            default: return nil
            }
        }
    }
}

extension CatalogDriver {
    /// A driver of a catalog in one line: `grid/azure 580.1 open proprietary release 19 channel lts unverified`.
    init?(compact text: String) {
        var words = Words(text)
        let names = (words.next() ?? "").split(separator: "/").map(String.init)
        guard let kind = names.first.flatMap(DriverKind.init), let version = words.next().flatMap(DriverVersion.init)
        else {
            return nil
        }
        let url = "https://example.com/NVIDIA-Linux-\(version).run"
        self.init(
            version: version,
            kind: kind,
            platform: names.dropFirst().first,
            kernelModuleTypes: [],
            artifact: .verified(url)
        )
        while let word = words.next() {
            switch word {
            case "release": vgpuRelease = words.next()
            case "channel": channel = words.next().flatMap(DriverChannel.init)
            case "up-to-kernel": kernels = KernelRange(last: words.next().flatMap(KernelVersion.init))
            case "from-kernel": kernels = KernelRange(first: words.next().flatMap(KernelVersion.init))
            case "only-on":
                guard let rule = SystemRule(words.all()) else { return nil }
                systems = [rule]
            case "unverified": artifact.digest = nil
            default:
                if let kernelModuleType = KernelModuleType(rawValue: word) {
                    kernelModuleTypes.append(kernelModuleType)
                } else if let architecture = Architecture(rawValue: word) {
                    self.architecture = architecture
                } else {
                    return nil
                }
            }
        }
        if kernelModuleTypes.isEmpty { kernelModuleTypes = [.open, .proprietary] }
    }
}
