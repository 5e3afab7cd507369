import NodeModel

/// What a value of NVML can be.
///
/// A library whose memory is damaged, or with another layout of a struct, returns success and writes anything. Such a
/// value is malformed: the agent does not show it as a fact.
extension NVMLLibrary {
    /// The most memory that the agent believes, in MiB: 16 TiB.
    static let mostMemoryMiB = 1 << 24
    /// The largest number of an enumeration that the agent believes; NVIDIA's have less than thirty values.
    private static let mostNumber = 99
    /// The largest ID of an instance of MIG that the agent believes; NVIDIA's are below 16.
    private static let mostInstanceID: UInt32 = 63
    /// The most slices of a GPU that the agent believes; a GPU has 8.
    static let mostSlices: UInt32 = 64

    /// A switch, which is 0 or 1.
    func flag(_ symbol: String, _ number: UInt32) throws(NVMLError) -> Bool {
        guard number <= 1 else { throw .value(symbol, "\(number)") }
        return number == 1
    }

    /// The name of a number, or the number itself when this version of the agent has no name for it.
    func name<Number: FixedWidthInteger>(
        _ symbol: String,
        _ number: Number,
        of names: [Number: String]
    ) throws(NVMLError) -> String {
        if let name = names[number] { return name }
        guard (0...Self.mostNumber).contains(Int(clamping: number)) else { throw .value(symbol, "\(number)") }
        return "\(number)"
    }

    /// An amount of memory in MiB.
    func mebibytes(_ symbol: String, _ bytes: UInt64) throws(NVMLError) -> Int {
        let size = Int(bytes >> 20)
        guard size <= Self.mostMemoryMiB else { throw .value(symbol, "\(size) MiB") }
        return size
    }

    /// The ID of a GPU instance or of a compute instance.
    func instanceID(_ symbol: String, _ id: UInt32) throws(NVMLError) -> Int {
        guard id <= Self.mostInstanceID else { throw .value(symbol, "\(id)") }
        return Int(id)
    }

    /// A number of slices, or of the first one.
    func slices(_ symbol: String, _ number: UInt32) throws(NVMLError) -> Int {
        guard number <= Self.mostSlices else { throw .value(symbol, "\(number) slices") }
        return Int(number)
    }
}

extension GPUTrait {
    /// The numbers that the trait can have, in its unit.
    private var range: ClosedRange<Int> {
        switch self {
        case .gpuUtilization, .memoryUtilization: 0...100
        case .temperature, .memoryTemperature, .temperatureShutdown, .temperatureSlowdown: -100...1000
        case .pcieGeneration, .pcieMaxGeneration: 0...15
        // 32 means that NVML does not know the state.
        case .pcieWidth, .pcieMaxWidth, .performanceState: 0...32
        case .graphicsClock, .smClock, .memoryClock, .videoClock, .maxGraphicsClock, .maxSMClock, .maxMemoryClock:
            0...100_000
        case .power, .powerLimit: 0...100_000_000
        case .memoryUsedMiB, .memoryFreeMiB, .memoryReservedMiB, .bar1MiB, .bar1UsedMiB:
            0...NVMLLibrary.mostMemoryMiB
        // Linux has at most so many nodes, and no machine so many modules.
        case .numaNode, .moduleID: 0...1023
        case .minorNumber: 0...((1 << 20) - 1)
        default: 0...Int.max
        }
    }

    /// The reading of the trait, which is malformed when the number is not possible.
    func possible(_ reading: Reading<Value>) -> Reading<Value> {
        guard case .present(.number(let number)) = reading, !range.contains(number) else { return reading }
        return .unreadable(NVMLError.value(declaration.symbol, "\(number)").failure)
    }
}

/// The string in a C array, up to the first NUL.
///
/// It is nil when the array has no NUL or is not UTF-8.
func vendorString(_ bytes: UnsafeRawBufferPointer) -> String? {
    let text = bytes.prefix { $0 != 0 }
    return text.count < bytes.count ? String(validating: text, as: UTF8.self) : nil
}
