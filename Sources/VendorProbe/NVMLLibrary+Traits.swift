import CVendor
import NodeModel

extension NVMLLibrary {
    /// Reads the traits of a GPU.
    ///
    /// - Parameters:
    ///   - device: The GPU.
    ///   - take: Takes the reading of each trait as soon as its call has returned.
    func readTraits(
        of device: gpa_nvml_device_t,
        _ take: (GPUTrait, Reading<GPUTrait.Value>) -> Void
    ) {
        withoutActuallyEscaping(take) { take in
            let reader = TraitReader(library: self, device: device, take: take)
            reader.identity()
            reader.setup()
            reader.limits()
            reader.health()
            reader.fields()
            reader.activity()
        }
    }
}

/// Calls the functions that report the traits of one GPU.
///
/// A GPU that does not have a trait, a driver that does not know it, and a missing right are no failures: the trait is
/// absent with the reason.
struct TraitReader {
    typealias Value = GPUTrait.Value
    typealias Device = gpa_nvml_device_t
    /// A function of NVML that writes one number about a device.
    typealias NumberGetter =
        @convention(c) (Device, UnsafeMutablePointer<UInt32>) -> gpa_nvml_return_t
    /// A function of NVML that writes two numbers about a device.
    typealias PairGetter =
        @convention(c) (Device, UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<UInt32>) ->
        gpa_nvml_return_t
    /// A function of NVML that writes a text about a device.
    typealias TextGetter =
        @convention(c) (Device, UnsafeMutablePointer<CChar>, UInt32) -> gpa_nvml_return_t

    let library: NVMLLibrary
    let device: Device
    let take: (GPUTrait, Reading<Value>) -> Void

    var functions: gpa_nvml_functions_t { library.functions }

    func identity() {
        text(.serial, functions.DeviceGetSerial, size: GPA_NVML_SERIAL_SIZE)
        text(.vbios, functions.DeviceGetVbiosVersion, size: GPA_NVML_VBIOS_VERSION_SIZE)
        text(.inforom, functions.DeviceGetInforomImageVersion, size: GPA_NVML_INFOROM_VERSION_SIZE)
        text(.boardPartNumber, functions.DeviceGetBoardPartNumber, size: GPA_NVML_PART_NUMBER_SIZE)
        number(.boardID, functions.DeviceGetBoardId)
        number(.moduleID, functions.DeviceGetModuleId)
        number(.minorNumber, functions.DeviceGetMinorNumber)
        number(.numaNode, functions.DeviceGetNumaNodeId)
        name(.architecture, functions.DeviceGetArchitecture, of: NVMLNames.architectures)
        name(.brand, functions.DeviceGetBrand, of: NVMLNames.brands)
    }

    func setup() {
        flags(.ecc, .eccPending, functions.DeviceGetEccMode)
        read(.gspFirmware, functions.DeviceGetGspFirmwareVersion) { call throws(NVMLError) in
            let symbol = GPUTrait.gspFirmware.declaration.symbol
            return .text(
                try library.text(symbol, size: GPA_NVML_GSP_FIRMWARE_VERSION_SIZE) { version, _ in
                    call(device, version)
                }
            )
        }
        read(.gspEnabled, functions.DeviceGetGspFirmwareMode) { call throws(NVMLError) in
            var usual: UInt32 = 0
            let symbol = GPUTrait.gspEnabled.declaration.symbol
            return .flag(try library.flag(symbol, try library.value(symbol, 0) { call(device, $0, &usual) }))
        }
        read(.persistenceMode, functions.DeviceGetPersistenceMode) { call throws(NVMLError) in
            let symbol = GPUTrait.persistenceMode.declaration.symbol
            return .flag(try library.flag(symbol, UInt32(bitPattern: try value(.persistenceMode, 0, call))))
        }
        name(.computeMode, functions.DeviceGetComputeMode, of: NVMLNames.computeModes)
        read(.addressingMode, functions.DeviceGetAddressingMode) { call throws(NVMLError) in
            var mode = gpa_nvml_addressing_mode_t()
            mode.version = GPA_NVML_ADDRESSING_MODE_VERSION
            let symbol = GPUTrait.addressingMode.declaration.symbol
            let number = try value(.addressingMode, mode, call).value
            return .text(try library.name(symbol, number, of: NVMLNames.addressingModes))
        }
        several([.bar1MiB, .bar1UsedMiB], functions.DeviceGetBAR1MemoryInfo) { call throws(NVMLError) in
            let memory = try value(.bar1MiB, gpa_nvml_bar1_memory_t(), call)
            guard memory.used <= memory.total else {
                throw .value(GPUTrait.bar1MiB.declaration.symbol, "\(memory.used >> 20) MiB used")
            }
            return [.number(Int(memory.total >> 20)), .number(Int(memory.used >> 20))]
        }
    }

    // MARK: - Calls

    /// Reads one trait with a function that the driver may not have.
    func read<Function>(
        _ trait: GPUTrait,
        _ function: Function?,
        _ read: (Function) throws(NVMLError) -> Value
    ) {
        take(trait, library.detail(trait.declaration.symbol, function, read))
    }

    func text(_ trait: GPUTrait, _ function: TextGetter?, size: Int) {
        read(trait, function) { call throws(NVMLError) in
            .text(try library.text(trait.declaration.symbol, size: size) { call(device, $0, $1) })
        }
    }

    /// Reads a number; NVML's number for "none" is all ones.
    func number(_ trait: GPUTrait, _ function: NumberGetter?) {
        let symbol = trait.declaration.symbol
        let reading = library.detail(symbol, function) { call throws(NVMLError) in try value(trait, 0 as UInt32, call) }
        take(trait, reading.flatMap { $0 == .max ? .absentBecause("\(symbol): no value") : .present(.number(Int($0))) })
    }

    /// Reads a number that has a name.
    func name(_ trait: GPUTrait, _ function: NumberGetter?, of names: [UInt32: String]) {
        read(trait, function) { call throws(NVMLError) in
            .text(try library.name(trait.declaration.symbol, try value(trait, 0, call), of: names))
        }
    }

    /// Reads two switches with one call.
    func flags(_ first: GPUTrait, _ second: GPUTrait, _ function: PairGetter?) {
        several([first, second], function) { call throws(NVMLError) in
            var other: UInt32 = 0
            let symbol = first.declaration.symbol
            let value = try library.value(symbol, 0) { call(device, $0, &other) }
            return [.flag(try library.flag(symbol, value)), .flag(try library.flag(symbol, other))]
        }
    }

    /// Reads several traits with one call, in their order.
    func several<Function>(
        _ traits: [GPUTrait],
        _ function: Function?,
        _ read: (Function) throws(NVMLError) -> [Value]
    ) {
        let reading = library.detail(traits.first?.declaration.symbol ?? "", function, read)
        for (index, trait) in traits.enumerated() { take(trait, reading.map { $0[index] }) }
    }

    /// Reads a trait with a function that replaces an older one.
    ///
    /// A driver that does not have the new function, or does not know the version of its struct, has the old one.
    func newest(_ trait: GPUTrait, _ new: () -> Reading<Value>, _ old: () -> Reading<Value>) {
        let reading = new()
        let older = reading.isAbsent ? old() : reading
        take(trait, older.isAbsent ? reading : older)
    }

    /// Calls a function that writes one value about the device.
    func value<Output>(
        _ trait: GPUTrait,
        _ initial: Output,
        _ call: (Device, UnsafeMutablePointer<Output>) -> gpa_nvml_return_t
    ) throws(NVMLError) -> Output {
        try library.value(trait.declaration.symbol, initial) { call(device, $0) }
    }
}
