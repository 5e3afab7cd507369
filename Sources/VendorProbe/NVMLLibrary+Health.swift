import CVendor
import NodeModel

extension TraitReader {
    /// What the GPU could do at most.
    func limits() {
        for (trait, clock) in [
            (GPUTrait.maxGraphicsClock, ClockKind.graphics), (.maxSMClock, .sm),
            (.maxMemoryClock, .memory),
        ] {
            number(trait, functions.DeviceGetMaxClockInfo, clock.rawValue)
        }
        number(.pcieMaxGeneration, functions.DeviceGetMaxPcieLinkGeneration)
        number(.pcieMaxWidth, functions.DeviceGetMaxPcieLinkWidth)
        number(.powerLimit, functions.DeviceGetEnforcedPowerLimit)
        // nvmlTemperatureThresholds_t
        number(.temperatureShutdown, functions.DeviceGetTemperatureThreshold, 0)
        number(.temperatureSlowdown, functions.DeviceGetTemperatureThreshold, 1)
    }

    /// What is broken, or was, apart from the fields.
    func health() {
        several([.sramUncorrectedEver, .sramThresholdExceeded], functions.DeviceGetSramEccErrorStatus) {
            call throws(NVMLError) in
            var status = gpa_nvml_ecc_sram_t()
            status.version = GPA_NVML_ECC_SRAM_VERSION
            status = try value(.sramUncorrectedEver, status, call)
            let (sum, overflow) = status.aggregate_uncorrected_parity
                .addingReportingOverflow(status.aggregate_uncorrected_secded)
            return [
                .number(overflow ? .max : Int(clamping: sum)),
                .flag(try library.flag(GPUTrait.sramThresholdExceeded.declaration.symbol, status.threshold_exceeded)),
            ]
        }
        several([.channelRepairPending, .tpcRepairPending], functions.DeviceGetRepairStatus) {
            call throws(NVMLError) in
            var status = gpa_nvml_repair_status_t()
            status.version = GPA_NVML_REPAIR_STATUS_VERSION
            status = try value(.channelRepairPending, status, call)
            let symbol = GPUTrait.channelRepairPending.declaration.symbol
            return [
                .flag(try library.flag(symbol, status.channel_repair_pending)),
                .flag(try library.flag(symbol, status.tpc_repair_pending)),
            ]
        }
    }

    /// What the GPU does now.
    func activity() {
        for (trait, clock) in [
            (GPUTrait.graphicsClock, ClockKind.graphics), (.smClock, .sm), (.memoryClock, .memory),
            (.videoClock, .video),
        ] {
            number(trait, functions.DeviceGetClockInfo, clock.rawValue)
        }
        newest(.clockEventReasons) {
            reasons(
                "nvmlDeviceGetCurrentClocksEventReasons",
                functions.DeviceGetCurrentClocksEventReasons
            )
        } _: {
            reasons(
                "nvmlDeviceGetCurrentClocksThrottleReasons",
                functions.DeviceGetCurrentClocksThrottleReasons
            )
        }
        number(.performanceState, functions.DeviceGetPerformanceState)
        newest(.temperature, temperature, oldTemperature)
        number(.power, functions.DeviceGetPowerUsage)
        several([.gpuUtilization, .memoryUtilization], functions.DeviceGetUtilizationRates) {
            call throws(NVMLError) in
            let rates = try value(.gpuUtilization, gpa_nvml_utilization_t(), call)
            return [.number(Int(rates.gpu)), .number(Int(rates.memory))]
        }
        number(.pcieGeneration, functions.DeviceGetCurrPcieLinkGeneration)
        number(.pcieWidth, functions.DeviceGetCurrPcieLinkWidth)
    }

    /// `nvmlClockType_t`.
    private enum ClockKind: Int32 {
        case graphics, sm, memory, video
    }

    private func number(
        _ trait: GPUTrait,
        _ function: (
            @convention(c) (Device, Int32, UnsafeMutablePointer<UInt32>) -> gpa_nvml_return_t
        )?,
        _ kind: Int32
    ) {
        read(trait, function) { call throws(NVMLError) in
            .number(Int(try library.value(trait.declaration.symbol, 0) { call(device, kind, $0) }))
        }
    }

    private func reasons(
        _ symbol: String,
        _ function: (@convention(c) (Device, UnsafeMutablePointer<UInt64>) -> gpa_nvml_return_t)?
    ) -> Reading<Value> {
        library.detail(symbol, function) { call throws(NVMLError) in
            let bits = try library.value(symbol, 0 as UInt64) { call(device, $0) }
            // NVIDIA uses eleven of them.
            guard bits <= UInt64(UInt32.max) else { throw .value(symbol, "\(bits)") }
            return .names(
                (0..<32).filter { bits >> $0 & 1 == 1 }.map {
                    NVMLNames.clockEventReasons[$0] ?? "bit \($0)"
                }
            )
        }
    }

    private func temperature() -> Reading<Value> {
        let symbol = "nvmlDeviceGetTemperatureV"
        return library.detail(symbol, functions.DeviceGetTemperatureV) { call throws(NVMLError) in
            var temperature = gpa_nvml_temperature_t()
            temperature.version = GPA_NVML_TEMPERATURE_VERSION
            return .number(Int(try library.value(symbol, temperature) { call(device, $0) }.temperature))
        }
    }

    private func oldTemperature() -> Reading<Value> {
        let symbol = "nvmlDeviceGetTemperature"
        return library.detail(symbol, functions.DeviceGetTemperature) { call throws(NVMLError) in
            .number(Int(try library.value(symbol, 0 as UInt32) { call(device, 0, $0) }))
        }
    }
}
