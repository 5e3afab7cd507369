import CVendor
import NodeModel
import Testing

/// A function of NVML whose result is noise, and the host on which the agent calls it.
struct LibraryNoise: Sendable, CustomTestStringConvertible {
    var symbol: String
    var version = "595.91.07"
    var defines = ""
    /// The newer functions that the driver does not support, so that the agent calls this one.
    var newer: [String] = []

    var testDescription: String { symbol }

    /// Whether only the reading of the MIG layout calls the function.
    var isOfLayout: Bool { Self.ofLayout.contains(symbol) }
    /// Whether the function is about a GPU.
    private var isAboutAGPU: Bool { symbol.hasPrefix("nvmlDevice") && symbol != "nvmlDeviceGetCount_v2" }

    /// The line of the hardware file.
    ///
    /// The noise is about the first GPU only, so that the other one shows that it is not blinded.
    func line(seed: Int) -> String { "fault \(symbol) noise=\(seed)\(isAboutAGPU ? " gpu=0" : "")\n" }

    /// Two GPUs with MIG devices, and everything that the functions tell about one.
    var hardware: String {
        let gpus = (0..<2).flatMap { gpu in
            [
                "gpu \(gpu) uuid=GPU-\(gpu) name=\"NVIDIA A100-SXM4-40GB\" pci=00000000:1\(gpu):00.0 id=10de20b0 "
                    + "memoryMiB=40960 cc=8.0 mig=on license=licensed product=vWS trait.serial=1 trait.nvlinkLinks=0xf "
                    + "trait.nvlinkActive=0xf trait.nvlinkVersion=3 trait.fabricState=3 trait.fabricHealth=1 "
                    + "trait.nvlinkPeer=00000000:1\(1 - gpu):00.0",
                "mig \(gpu) uuid=MIG-\(gpu) profile=1g.5gb memoryMiB=4864 gi=9 ci=0 profileId=19 start=0 size=1 ciSize=1",
                "profile \(gpu) number=0 id=19 name=1g.5gb slices=1 instances=7 sm=14 memoryMiB=4864 places=0,1,2:1",
                "process \(gpu) pid=44 memoryMiB=12 gi=9 ci=0",
            ]
        }
        let system = "system ccEnvironment=2 ccFeature=1 ccMultiGpu=1 ccReady=1"
        return (gpus + [system] + newer.map { "fault \($0) code=3" }).joined(separator: "\n") + "\n"
    }

    /// All functions of the agent's table that tell something.
    static let all: [LibraryNoise] = symbols.filter { !without.contains($0) }.map { symbol in
        var noise = LibraryNoise(symbol: symbol)
        noise.newer = replaced[symbol].map { [$0] } ?? []
        switch symbol {
        case "nvmlDeviceGetGpuFabricInfo": noise.version = "535.261.03"
        case "nvmlDeviceGetComputeRunningProcesses_v2", "nvmlDeviceGetGraphicsRunningProcesses_v2",
            "nvmlDeviceGetGpuInstanceProfileInfo":
            noise.version = "470.256.02"
        case "nvmlDeviceGetGridLicensableFeatures_v3": noise.defines = "-DSTANDIN_OLD"
        default: break
        }
        return noise
    }

    /// The symbols of the agent's table.
    private static let symbols: [String] = {
        var count = 0
        let first = gpa_nvml_symbols(&count)
        return UnsafeBufferPointer(start: first, count: count).map { String(cString: $0.name) }
    }()

    /// The functions that change something, and those of events, which another child process calls.
    ///
    /// `MIGChangeTests` and `NVMLEventTests` have their faults.
    private static let without: Set = [
        "nvmlInit_v2", "nvmlDeviceSetMigMode", "nvmlDeviceCreateGpuInstanceWithPlacement",
        "nvmlGpuInstanceCreateComputeInstance", "nvmlGpuInstanceDestroy", "nvmlComputeInstanceDestroy",
        "nvmlEventSetCreate", "nvmlEventSetWait", "nvmlEventSetWait_v2", "nvmlDeviceRegisterEvents",
        "nvmlDeviceGetSupportedEventTypes",
    ]

    private static let ofLayout: Set = [
        "nvmlDeviceGetGpuInstancePossiblePlacements_v2", "nvmlDeviceGetGpuInstances",
        "nvmlGpuInstanceGetComputeInstances", "nvmlGpuInstanceGetComputeInstanceProfileInfo",
    ]

    /// The functions that the agent calls only where the newer one is not supported.
    private static let replaced = [
        "nvmlDeviceGetMemoryInfo": "nvmlDeviceGetMemoryInfo_v2",
        "nvmlDeviceGetTemperature": "nvmlDeviceGetTemperatureV",
        "nvmlDeviceGetCurrentClocksThrottleReasons": "nvmlDeviceGetCurrentClocksEventReasons",
        "nvmlSystemGetConfComputeState": "nvmlSystemGetConfComputeSettings",
    ]
}
