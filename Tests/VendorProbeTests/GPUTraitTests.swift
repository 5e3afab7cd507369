import NodeModel
import Testing
import VendorProbe

/// The traits of a GPU are what NVML reports, or absent with the reason.
@Suite struct GPUTraitTests {
    /// What the hardware of the stand-in says, and the value of the trait.
    struct Case: Sendable {
        var trait: GPUTrait
        var word: String
        var value: GPUTrait.Value

        init(_ trait: GPUTrait, _ word: String, _ value: GPUTrait.Value) {
            (self.trait, self.word, self.value) = (trait, word, value)
        }
    }

    static let identity = [
        Case(.serial, "1652823054567", .text("1652823054567")),
        Case(.vbios, "96.00.A5.00.01", .text("96.00.A5.00.01")),
        Case(.inforom, "G520.0200.00.05", .text("G520.0200.00.05")),
        Case(.boardID, "0x3b00", .number(15104)),
        Case(.boardPartNumber, "900-21010-0000-000", .text("900-21010-0000-000")),
        Case(.moduleID, "4", .number(4)),
        Case(.minorNumber, "0", .number(0)), Case(.numaNode, "1", .number(1)),
        Case(.architecture, "9", .text("hopper")), Case(.brand, "14", .text("nvidia")),
    ]

    static let setup = [
        Case(.ecc, "on", .flag(true)), Case(.eccPending, "off", .flag(false)),
        Case(.gspFirmware, "595.91.07", .text("595.91.07")), Case(.gspEnabled, "on", .flag(true)),
        Case(.persistenceMode, "on", .flag(true)), Case(.computeMode, "3", .text("exclusive-process")),
        Case(.addressingMode, "2", .text("ats")), Case(.bar1MiB, "131072", .number(131072)),
        Case(.maxGraphicsClock, "1980", .number(1980)), Case(.maxSMClock, "1981", .number(1981)),
        Case(.maxMemoryClock, "2619", .number(2619)), Case(.pcieMaxGeneration, "5", .number(5)),
        Case(.pcieMaxWidth, "16", .number(16)), Case(.powerLimit, "700000", .number(700000)),
        Case(.temperatureSlowdown, "89", .number(89)), Case(.temperatureShutdown, "92", .number(92)),
    ]

    static let health = [
        // A count that does not fit in 32 bits, and one in a field of 32 bits.
        Case(.eccCorrected, "5000000000", .number(5_000_000_000)),
        Case(.eccUncorrected, "1", .number(1)),
        Case(.eccCorrectedEver, "12", .number(12)), Case(.eccUncorrectedEver, "3", .number(3)),
        Case(.sramUncorrectedEver, "7", .number(7)), Case(.sramThresholdExceeded, "on", .flag(true)),
        Case(.retiredPagesSingleBit, "4", .number(4)), Case(.retiredPagesDoubleBit, "2", .number(2)),
        Case(.retiredPagesPending, "1", .flag(true)), Case(.remappedRowsCorrectable, "6", .number(6)),
        Case(.remappedRowsUncorrectable, "8", .number(8)), Case(.remappedRowsPending, "1", .flag(true)),
        Case(.remappedRowsFailed, "0", .flag(false)), Case(.channelRepairPending, "on", .flag(true)),
        Case(.tpcRepairPending, "off", .flag(false)), Case(.pcieReplays, "9", .number(9)),
        Case(.recoveryAction, "4", .text("drain-and-reset")),
    ]

    static let activity = [
        Case(.graphicsClock, "345", .number(345)), Case(.smClock, "346", .number(346)),
        Case(.memoryClock, "2618", .number(2618)), Case(.videoClock, "795", .number(795)),
        Case(.clockEventReasons, "0x100048", .names(["hw-slowdown", "hw-thermal-slowdown", "bit 20"])),
        Case(.performanceState, "0", .number(0)), Case(.temperature, "36", .number(36)),
        Case(.memoryTemperature, "44", .number(44)), Case(.power, "119754", .number(119754)),
        Case(.gpuUtilization, "98", .number(98)), Case(.memoryUtilization, "31", .number(31)),
        Case(.memoryUsedMiB, "1024", .number(1024)), Case(.memoryReservedMiB, "557", .number(557)),
        Case(.memoryFreeMiB, "0", .number(95830 - 1024 - 557)), Case(.bar1UsedMiB, "5", .number(5)),
        Case(.pcieGeneration, "1", .number(1)), Case(.pcieWidth, "8", .number(8)),
    ]

    static let cases = identity + setup + health + activity

    /// The traits that follow from the memory, which every GPU here has.
    static let ofMemory: Set<GPUTrait> = [.memoryUsedMiB, .memoryFreeMiB, .memoryReservedMiB]

    @Test(arguments: [cases])
    func isWhatNVMLReports(_ cases: [Case]) async throws {
        let words = cases.map { "trait.\($0.trait.rawValue)=\($0.word)" }.joined(separator: " ")
        for gpu in try await gpus(words) {
            for row in cases { #expect(gpu.traits[row.trait] == .present(row.value), "\(row.trait)") }
        }
        #expect(Set(cases.map(\.trait)) == Set(GPUTrait.allCases), "every trait has a case")
    }

    /// A trait that is off, or a number that this version of the agent has no name for.
    @Test(arguments: [
        Case(.ecc, "off", .flag(false)), Case(.persistenceMode, "off", .flag(false)),
        Case(.gspEnabled, "off", .flag(false)), Case(.architecture, "99", .text("99")),
        Case(.brand, "77", .text("77")),
    ])
    func keepsOtherValues(_ row: Case) async throws {
        let gpus = try await gpus("trait.\(row.trait.rawValue)=\(row.word)")
        #expect(gpus.map { $0.traits[row.trait] } == [.present(row.value), .present(row.value)])
    }

    /// A value that no GPU has is not shown as one.
    @Test(
        arguments: [
            (.ecc, "ecc=2"), (.eccPending, "ecc=on trait.eccPending=2"), (.persistenceMode, "persistenceMode=7"),
            (.gspEnabled, "gspEnabled=2"), (.remappedRowsPending, "remappedRowsPending=2"),
            (.architecture, "architecture=100"), (.recoveryAction, "recoveryAction=4000000000"),
            (.gpuUtilization, "gpuUtilization=101 trait.memoryUtilization=1"), (.temperature, "temperature=2000"),
            (.pcieWidth, "pcieWidth=64"), (.clockEventReasons, "clockEventReasons=0x100000000"),
        ] as [(GPUTrait, String)]
    )
    func isMalformedWhenItIsNotPossible(_ trait: GPUTrait, _ word: String) async throws {
        for gpu in try await gpus("trait.\(word)") {
            #expect(gpu.traits[trait].failure?.reason == .malformed, "\(gpu.traits[trait])")
            #expect(gpu.name.value == "NVIDIA H100 NVL")
        }
    }

    @Test func aNumberThatIsAllOnesIsNone() async throws {
        for gpu in try await gpus("trait.numaNode=0xffffffff") {
            #expect(gpu.traits[.numaNode] == .absentBecause("nvmlDeviceGetNumaNodeId: no value"))
        }
    }

    /// The stand-in GPU has a trait only when its hardware says so.
    @Test func isAbsentWhenTheGPUDoesNotHaveIt() async throws {
        for gpu in try await gpus("") {
            for trait in GPUTrait.allCases where !Self.ofMemory.contains(trait) {
                guard case .absentBecause(let why) = gpu.traits[trait] else {
                    Issue.record("\(trait): \(gpu.traits[trait])")
                    continue
                }
                // A field has its number after the symbol.
                #expect(
                    why.hasPrefix(trait.declaration.symbol) && why.hasSuffix(": 3 NVML_ERROR_NOT_SUPPORTED")
                )
            }
            #expect(gpu.faults.isEmpty)
        }
    }

    @Test(arguments: [
        (3, "NVML_ERROR_NOT_SUPPORTED"), (4, "NVML_ERROR_NO_PERMISSION"), (6, "NVML_ERROR_NOT_FOUND"),
        (13, "NVML_ERROR_FUNCTION_NOT_FOUND"), (25, "NVML_ERROR_ARGUMENT_VERSION_MISMATCH"),
        (26, "NVML_ERROR_DEPRECATED"),
    ])
    func isAbsentWithTheCodeOfNVML(_ code: Int, _ name: String) async throws {
        let gpus = try await gpus("trait.serial=1", more: "fault nvmlDeviceGetSerial code=\(code)\n")
        for gpu in gpus {
            #expect(gpu.traits[.serial] == .absentBecause("nvmlDeviceGetSerial: \(code) \(name)"))
            #expect(gpu.faults.isEmpty)
        }
    }

    /// The functions that a branch of the driver lacks, by the traits that need them.
    @Test(arguments: [
        (
            "470.256.02",
            [
                GPUTrait.moduleID, .gspEnabled, .gspFirmware, .numaNode, .addressingMode, .sramUncorrectedEver,
                .sramThresholdExceeded, .channelRepairPending, .tpcRepairPending, .memoryReservedMiB,
            ]
        ),
        ("535.261.03", [.numaNode, .addressingMode, .channelRepairPending, .tpcRepairPending]),
        ("550.163.01", [.addressingMode, .channelRepairPending, .tpcRepairPending]),
        ("580.105.08", [.addressingMode, .channelRepairPending, .tpcRepairPending]), ("595.91.07", []),
    ])
    func isAbsentInADriverWithoutTheFunction(_ version: String, _ missing: [GPUTrait]) async throws {
        let words = Self.cases.map { "trait.\($0.trait.rawValue)=\($0.word)" }.joined(separator: " ")
        for gpu in try await gpus(words, version: version) {
            // A driver before 560 has the function, but does not know the field of the recovery action.
            #expect(gpu.traits[.recoveryAction].isAbsent == (version < "560"))
            for trait in GPUTrait.allCases where trait != .recoveryAction {
                let why = "the driver has no function \(trait.declaration.symbol)"
                #expect((gpu.traits[trait] == .absentBecause(why)) == missing.contains(trait), "\(trait)")
                #expect((gpu.traits[trait].value != nil) != missing.contains(trait), "\(trait)")
            }
        }
    }

    @Test(
        arguments: [("550.163.01", nil), ("580.105.08", "r580_00"), ("595.91.07", "r595_00")]
            as [(String, String?)]
    )
    func theBranchOfTheDriverIsWhatNVMLReports(_ version: String, _ branch: String?) async throws {
        let nvml = try await StandInHost.with(
            hardware: StandInHost.vgpu,
            version: version,
            loaded: version
        ) {
            await $0.prober().facts().nvml.value
        }
        let missing = "the driver has no function nvmlSystemGetDriverBranch"
        #expect(nvml?.driverBranch == branch.map { .present($0) } ?? .absentBecause(missing))
    }

    private func gpus(_ words: String, more: String = "", version: String = "595.91.07") async throws
        -> [GPUFacts]
    {
        let hardware =
            StandInHost.twoH100.replacing("virtualization=", with: "\(words) virtualization=") + more
        let facts = try await StandInHost.with(hardware: hardware, version: version, loaded: version) {
            host in
            await host.prober(libraries: VendorLibraries(nvml: host.nvml, cuda: nil)).facts()
        }
        let gpus = try #require(facts.nvml.value?.gpus)
        try #require(gpus.count == 2)
        return gpus
    }
}
