extension GPUTrait {
    /// The declarations of all traits, in the order of the enumeration.
    ///
    /// A test ensures that every trait has one.
    static let declarations: [GPUTrait: Declaration] = [identity, setup, health, activity]
        .reduce([:]) { $0.merging($1) { first, _ in first } }

    private static let identity: [GPUTrait: Declaration] = [
        .serial: Declaration("serial number", "nvmlDeviceGetSerial", .identity),
        .vbios: Declaration("VBIOS", "nvmlDeviceGetVbiosVersion", .identity),
        .inforom: Declaration("InfoROM", "nvmlDeviceGetInforomImageVersion", .identity),
        .boardID: Declaration("board", "nvmlDeviceGetBoardId", .identity),
        .boardPartNumber: Declaration("part number", "nvmlDeviceGetBoardPartNumber", .identity),
        .moduleID: Declaration("module", "nvmlDeviceGetModuleId", .identity),
        .minorNumber: Declaration("minor number", "nvmlDeviceGetMinorNumber", .identity),
        .numaNode: Declaration("NUMA node", "nvmlDeviceGetNumaNodeId", .identity),
        .architecture: Declaration("architecture", "nvmlDeviceGetArchitecture", .identity),
        .brand: Declaration("brand", "nvmlDeviceGetBrand", .identity),
    ]

    private static let setup: [GPUTrait: Declaration] = [
        .ecc: Declaration(
            "ECC",
            "nvmlDeviceGetEccMode",
            .setup,
            label: Label("ecc", values: "`enabled` or `disabled`", absence: "no GPU has ECC")
        ),
        .eccPending: Declaration("ECC after the next reset", "nvmlDeviceGetEccMode", .setup),
        .gspFirmware: Declaration(
            "GSP firmware",
            "nvmlDeviceGetGspFirmwareVersion",
            .setup,
            label: Label("gsp-firmware", values: "`580.105.08`", absence: "no GPU runs GSP firmware")
        ),
        .gspEnabled: Declaration("GSP", "nvmlDeviceGetGspFirmwareMode", .setup),
        .persistenceMode: Declaration("persistence mode", "nvmlDeviceGetPersistenceMode", .setup),
        .computeMode: Declaration("compute mode", "nvmlDeviceGetComputeMode", .setup),
        .addressingMode: Declaration("addressing mode", "nvmlDeviceGetAddressingMode", .setup),
        .bar1MiB: Declaration("BAR1", "nvmlDeviceGetBAR1MemoryInfo", .setup, unit: " MiB"),
        .maxGraphicsClock: Declaration(
            "graphics clock up to",
            "nvmlDeviceGetMaxClockInfo",
            .setup,
            unit: " MHz"
        ),
        .maxSMClock: Declaration("SM clock up to", "nvmlDeviceGetMaxClockInfo", .setup, unit: " MHz"),
        .maxMemoryClock: Declaration(
            "memory clock up to",
            "nvmlDeviceGetMaxClockInfo",
            .setup,
            unit: " MHz"
        ),
        .pcieMaxGeneration: Declaration(
            "PCIe generation up to",
            "nvmlDeviceGetMaxPcieLinkGeneration",
            .setup
        ),
        .pcieMaxWidth: Declaration("PCIe width up to", "nvmlDeviceGetMaxPcieLinkWidth", .setup),
        .powerLimit: Declaration("power limit", "nvmlDeviceGetEnforcedPowerLimit", .setup, unit: " mW"),
        .temperatureSlowdown: Declaration(
            "slowdown at",
            "nvmlDeviceGetTemperatureThreshold",
            .setup,
            unit: " °C"
        ),
        .temperatureShutdown: Declaration(
            "shutdown at",
            "nvmlDeviceGetTemperatureThreshold",
            .setup,
            unit: " °C"
        ),
    ]

    private static let fields = "nvmlDeviceGetFieldValues"

    private static let health: [GPUTrait: Declaration] = [
        .eccCorrected: Declaration("ECC errors corrected", fields, .health),
        .eccUncorrected: Declaration("ECC errors uncorrected", fields, .health),
        .eccCorrectedEver: Declaration("ECC errors corrected ever", fields, .health),
        .eccUncorrectedEver: Declaration("ECC errors uncorrected ever", fields, .health),
        .sramUncorrectedEver: Declaration(
            "SRAM errors ever",
            "nvmlDeviceGetSramEccErrorStatus",
            .health
        ),
        .sramThresholdExceeded: Declaration(
            "SRAM threshold exceeded",
            "nvmlDeviceGetSramEccErrorStatus",
            .health
        ),
        .retiredPagesSingleBit: Declaration("pages retired by single-bit errors", fields, .health),
        .retiredPagesDoubleBit: Declaration("pages retired by double-bit errors", fields, .health),
        .retiredPagesPending: Declaration("page retirement pending", fields, .health),
        .remappedRowsCorrectable: Declaration("rows remapped by correctable errors", fields, .health),
        .remappedRowsUncorrectable: Declaration(
            "rows remapped by uncorrectable errors",
            fields,
            .health
        ),
        .remappedRowsPending: Declaration("row remapping pending", fields, .health),
        .remappedRowsFailed: Declaration("row remapping failed", fields, .health),
        .channelRepairPending: Declaration(
            "channel repair pending",
            "nvmlDeviceGetRepairStatus",
            .health
        ),
        .tpcRepairPending: Declaration("TPC repair pending", "nvmlDeviceGetRepairStatus", .health),
        .pcieReplays: Declaration("PCIe replays", fields, .health),
        .recoveryAction: Declaration("recovery action", fields, .health),
    ]

    private static let activity: [GPUTrait: Declaration] = [
        .graphicsClock: Declaration(
            "graphics clock",
            "nvmlDeviceGetClockInfo",
            .activity,
            unit: " MHz"
        ),
        .smClock: Declaration("SM clock", "nvmlDeviceGetClockInfo", .activity, unit: " MHz"),
        .memoryClock: Declaration("memory clock", "nvmlDeviceGetClockInfo", .activity, unit: " MHz"),
        .videoClock: Declaration("video clock", "nvmlDeviceGetClockInfo", .activity, unit: " MHz"),
        .clockEventReasons: Declaration(
            "clock events",
            "nvmlDeviceGetCurrentClocksEventReasons",
            .activity
        ),
        .performanceState: Declaration("performance state", "nvmlDeviceGetPerformanceState", .activity),
        .temperature: Declaration("temperature", "nvmlDeviceGetTemperatureV", .activity, unit: " °C"),
        .memoryTemperature: Declaration("memory temperature", fields, .activity, unit: " °C"),
        .power: Declaration("power", "nvmlDeviceGetPowerUsage", .activity, unit: " mW"),
        .gpuUtilization: Declaration(
            "GPU utilization",
            "nvmlDeviceGetUtilizationRates",
            .activity,
            unit: " %"
        ),
        .memoryUtilization: Declaration(
            "memory utilization",
            "nvmlDeviceGetUtilizationRates",
            .activity,
            unit: " %"
        ),
        .memoryUsedMiB: Declaration(
            "memory used",
            "nvmlDeviceGetMemoryInfo_v2",
            .activity,
            unit: " MiB"
        ),
        .memoryFreeMiB: Declaration(
            "memory free",
            "nvmlDeviceGetMemoryInfo_v2",
            .activity,
            unit: " MiB"
        ),
        .memoryReservedMiB: Declaration(
            "memory reserved",
            "nvmlDeviceGetMemoryInfo_v2",
            .activity,
            unit: " MiB"
        ),
        .bar1UsedMiB: Declaration("BAR1 used", "nvmlDeviceGetBAR1MemoryInfo", .activity, unit: " MiB"),
        .pcieGeneration: Declaration(
            "PCIe generation",
            "nvmlDeviceGetCurrPcieLinkGeneration",
            .activity
        ),
        .pcieWidth: Declaration("PCIe width", "nvmlDeviceGetCurrPcieLinkWidth", .activity),
    ]
}
