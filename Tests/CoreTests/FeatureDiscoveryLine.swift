import NodeModel
import TestSupport

/// The models and MIG profiles that the rows of a file name.
struct GPUTable {
    var models: [String: GPUFacts] = [:]
    var profiles: [String: MIGAttributes] = [:]
}

/// GPUs in one line: `2x a100 mig 7x1g.10gb,2g.20gb class 0300 vf 595.71.03/r596_25 fabric UUID/CLIQUE`.
///
/// After `mig` stand `off`, `on`, `unreadable`, `devices-unreadable`, or profiles with their numbers; `no-attributes`
/// takes their attributes away. After `vf` stand the driver and the branch of the host, `empty` or `unreadable`. After
/// `fabric` stand the cluster and the clique, `in-progress`, `failed`, `zero` or `unreadable`.
struct GPULine {
    var count = 1
    var gpu: GPUFacts
    var function = PCIFunction.h100

    init?(_ text: String, _ table: GPUTable) {
        var words = Words(text)
        guard var model = words.next() else { return nil }
        if model.hasSuffix("x"), let count = Int(model.dropLast()), let next = words.next() {
            (self.count, model) = (count, next)
        }
        guard let gpu = table.models[model] else { return nil }
        self.gpu = gpu
        while let word = words.next() {
            guard word != "no-attributes" else {
                self.gpu.migDevices = self.gpu.migDevices.map { devices in
                    devices.map { device in
                        var device = device
                        device.attributes = .absent
                        return device
                    }
                }
                continue
            }
            guard let argument = words.next(), read(word, argument, table) else { return nil }
        }
    }

    private mutating func read(_ word: String, _ argument: String, _ table: GPUTable) -> Bool {
        switch word {
        case "mig": return mig(argument, table)
        case "class":
            guard let code = UInt16(argument, radix: 16) else { return false }
            function.classCode = code
        case "vf":
            let parts = argument.split(separator: "/").map(String.init)
            switch argument {
            case "unreadable": function.vgpuCapability = .unreadable(.denied)
            case "empty":
                function.vgpuCapability = .present(VGPUCapability(hostDriverVersion: nil, hostDriverBranch: nil))
            default:
                guard parts.count == 2 else { return false }
                function.vgpuCapability = .present(
                    VGPUCapability(hostDriverVersion: parts[0], hostDriverBranch: parts[1])
                )
            }
        case "fabric": return fabric(argument)
        default: return false
        }
        return true
    }

    private mutating func mig(_ argument: String, _ table: GPUTable) -> Bool {
        let isOn = argument != "off"
        gpu.migMode = .present(MIGMode(current: isOn, pending: isOn))
        switch argument {
        case "off": break
        case "on": gpu.migDevices = .present([])
        case "unreadable": gpu.migMode = .unreadable(.denied)
        case "devices-unreadable": gpu.migDevices = .unreadable(.denied)
        default:
            var devices: [MIGDevice] = []
            for part in argument.split(separator: ",").map(String.init) {
                let number = part.prefix { $0.isNumber }
                let isCounted = part.dropFirst(number.count).first == "x"
                let profile = isCounted ? String(part.dropFirst(number.count + 1)) : part
                guard let attributes = table.profiles[profile] else { return false }
                var device = MIGDevice.wholeRTXPro
                device.profile = profile
                device.memoryMiB = attributes.memoryMiB ?? 0
                device.attributes = .present(attributes)
                devices += Array(repeating: device, count: isCounted ? Int(number) ?? 0 : 1)
            }
            gpu.migDevices = .present(devices)
        }
        return true
    }

    private mutating func fabric(_ argument: String) -> Bool {
        let uuid = "7b968a6d-c8aa-45e1-9e07-e1e51be99c31"
        var facts = FabricFacts(state: "completed", status: "NVML_SUCCESS", cluster: uuid, clique: 1)
        switch argument {
        case "unreadable":
            gpu.fabric = .unreadable(.denied)
            return true
        case "in-progress": facts.state = argument
        case "failed": facts.status = "NVML_ERROR_UNKNOWN"
        case "zero": facts.cluster = nil
        default:
            let parts = argument.split(separator: "/").map(String.init)
            guard parts.count == 2, let clique = Int(parts[1]) else { return false }
            (facts.cluster, facts.clique) = (parts[0], clique)
        }
        gpu.fabric = .present(facts)
        return true
    }
}

extension DeviceSharing {
    /// The sharing in one line: `time-slicing nvidia.com/gpu=4 renamed`.
    init?(compact text: String) {
        var words = Words(text)
        guard let strategy = words.next().flatMap(Strategy.init) else { return nil }
        self.init(strategy: strategy)
        while let word = words.next() {
            let parts = word.split(separator: "=").map(String.init)
            switch (word, parts.count) {
            case ("renamed", _): isRenamed = true
            case (_, 2): replicas[parts[0]] = Int(parts[1])
            default: return nil
            }
        }
    }
}
