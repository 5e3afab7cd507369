import NodeModel
import Testing
import VendorProbe

/// What the agent reads on the nodes that people have, with the drivers that they have.
@Suite struct HardwareModelTests {
    /// A model, the version of its driver, and what the facts of its first GPU must have.
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var model: HardwareModel
        var version: String
        var check: @Sendable (NVMLFacts, GPUFacts) -> Void

        init(
            _ name: String,
            _ model: HardwareModel,
            _ version: String = "580.105.08",
            _ check: @escaping @Sendable (NVMLFacts, GPUFacts) -> Void
        ) {
            testDescription = "\(name), \(version)"
            (self.model, self.version, self.check) = (model, version, check)
        }
    }

    private static let lacksActivity: [GPUTrait] = [
        .temperature, .power, .gpuUtilization, .pcieWidth, .smClock,
    ]

    static let rows = [
        Row("RTX PRO 6000 vGPU", .rtxProVGPU, "595.91.07") { nvml, gpu in
            #expect(gpu.migMode == .present(MIGMode(current: true, pending: true)))
            #expect(gpu.virtualization == .present(.vgpu))
            #expect(lacksActivity.allSatisfy { gpu.traits[$0].isAbsent && gpu.traits[$0] != .absent })
            // A guest has no rights over the MIG of its host.
            let denied = "nvmlDeviceGetGpuInstanceById: 4 NVML_ERROR_NO_PERMISSION"
            #expect(gpu.migDevices.value?.map(\.gpuInstance) == [.absentBecause(denied)])
            #expect(gpu.license.value?.features?.first?.expiryStatus == "permanent")
            #expect(nvml.driverBranch == .present("r595_00"))
        },
        Row("H100 NVL", .h100NVL) { _, gpu in
            #expect(gpu.nvlink == .present(NVLinkFacts(active: Array(0..<12), inactive: [], version: 4)))
            #expect(gpu.fabric.isAbsent && gpu.license == .absent)
            #expect(gpu.traits[.architecture] == .present(.text("hopper")))
            #expect(gpu.migProfiles.isAbsent && gpu.migProfiles != .absent)
        },
        Row("8 H100 SXM", .h100SXM) { nvml, gpu in
            #expect(nvml.gpus.count == 8)
            #expect(gpu.nvlink.value?.active.count == 18)
            let fabric = FabricFacts(
                state: "completed",
                status: "NVML_SUCCESS",
                cluster: nil,
                clique: 0,
                health: "healthy",
                healthMask: 0
            )
            #expect(gpu.fabric == .present(fabric))
        },
        Row("8 B200", .b200, "595.91.07") { _, gpu in
            #expect(gpu.nvlink.value?.inactive == [0])
            #expect(gpu.fabric.value?.cluster == "6f1cb2a4-3d0e-4b7a-9c55-8d1e2f7a4b60")
            #expect(gpu.fabric.value?.clique == 7 && gpu.fabric.value?.health == "limited-capacity")
            #expect(gpu.fabric.value?.healthMask == 5)
        },
        Row("T4", .t4) { _, gpu in
            #expect(gpu.migMode.isAbsent && gpu.migProfiles.isAbsent && gpu.nvlink.isAbsent)
            #expect(gpu.traits[.retiredPagesPending] == .present(.flag(false)))
            #expect(gpu.traits[.remappedRowsFailed].isAbsent)
        },
        Row("V100", .v100, "535.261.03") { _, gpu in
            #expect(gpu.nvlink.value?.active.count == 6)
            #expect(
                gpu.traits[.gspFirmware]
                    == .absentBecause("nvmlDeviceGetGspFirmwareVersion: 3 NVML_ERROR_NOT_SUPPORTED")
            )
            #expect(
                gpu.traits[.recoveryAction]
                    == .absentBecause("nvmlDeviceGetFieldValues(230): 2 NVML_ERROR_INVALID_ARGUMENT")
            )
        },
        Row("GB10", .gb10, "595.91.07") { _, gpu in
            #expect(gpu.memoryMiB.isAbsent && gpu.traits[.memoryUsedMiB].isAbsent)
            #expect(gpu.traits[.addressingMode] == .present(.text("ats")))
        },
        Row("8 A100 with mixed MIG", .a100Mixed) { nvml, gpu in
            let devices = gpu.migDevices.value ?? []
            #expect(devices.map(\.profile) == ["3g.20gb", "1g.5gb"])
            #expect(devices.first?.gpuInstance == .present(MIGInstance(profileID: 9, start: 4, size: 4)))
            #expect(
                devices.first?.computeInstance == .present(MIGInstance(profileID: 2, start: 0, size: 3))
            )
            #expect(nvml.gpus[1].migDevices.value?.first?.computeInstance.value?.start == 3)
            #expect(
                nvml.gpus[2].migDevices == .present([]) && nvml.gpus[3].migMode.value?.pending == true
            )
            #expect(gpu.migProfiles.value?.map(\.name).contains("1g.5gb+me") == true)
            #expect(gpu.migProfiles.value?.map(\.id) == [19, 14, 9, 5, 0, 20])
        },
        Row("8 A100 with 56 MIG devices", .a100Full, "470.256.02") { nvml, gpu in
            #expect(nvml.gpus.flatMap { $0.migDevices.value ?? [] }.count == 56)
            #expect(gpu.migDevices.value?.last?.gpuInstance.value?.start == 6)
            #expect(gpu.migProfiles.value?.map(\.name).contains("1g.5gb+me") == true)
            #expect(gpu.migProfiles.value?.first?.memoryMiB == 4864)
        },
    ]

    @Test(arguments: rows)
    func isReadWithoutAFault(_ row: Row) async throws {
        let nvml = try await facts(row.model, row.version)
        row.check(nvml, try #require(nvml.gpus.first))
        for gpu in nvml.gpus {
            #expect(gpu.faults.isEmpty)
            // What a GPU does not have is neither an error nor a zero.
            for trait in GPUTrait.allCases {
                #expect(gpu.traits[trait].failure == nil && gpu.traits[trait].whyUnknown == nil, "\(trait)")
            }
            #expect(
                [gpu.nvlink.failure, gpu.fabric.failure, gpu.processes.failure].allSatisfy { $0 == nil }
            )
        }
        #expect(nvml.confidentialComputing.isAbsent)
    }

    /// Each driver reads the same hardware, with what it knows.
    @Test(arguments: ["470.256.02", "535.261.03", "550.163.01", "580.105.08", "595.91.07"])
    func everyDriverReadsTheFabric(_ version: String) async throws {
        let gpu = try #require(try await facts(.b200, version).gpus.first)
        let branch = Int(version.prefix(3)) ?? 0
        #expect(gpu.fabric.isAbsent == (branch < 535))
        #expect(gpu.fabric.value?.clique == (branch < 535 ? nil : 7))
        #expect(gpu.fabric.value?.healthMask == (branch < 550 ? nil : 5))
        #expect(gpu.fabric.value?.health == (branch < 580 ? nil : "limited-capacity"))
        #expect(
            gpu.traits[.temperature] == .present(.number(34))
                && gpu.processes == .present(GPUProcesses(count: 0, list: []))
        )
        #expect(gpu.traits[.clockEventReasons] == .present(.names(["gpu-idle"])))
    }

    @Test(
        arguments: [
            ("license=licensed", true, "permanent", nil),
            ("license=unlicensed", false, "not-available", nil),
            ("license=not-applicable", false, "not-applicable", nil),
            ("license=licensed expiry=2027-03-01T04:05:06Z", true, "valid", "2027-03-01T04:05:06Z"),
            ("license=unlicensed expiry=2025-03-01T04:05:06Z", false, "invalid", nil),
        ] as [(String, Bool, String, String?)]
    )
    func aTimeSlicedVGPUHasTheStateOfItsLicense(
        _ words: String,
        _ licensed: Bool,
        _ status: String,
        _ expires: String?
    ) async throws {
        let gpu = try #require(try await facts(.a10VGPU(words), "580.105.08").gpus.first)
        let feature = LicenseFeature(
            code: "nvidia-rtx",
            licensed: licensed,
            enabled: true,
            product: "NVIDIA RTX vWS",
            expiryStatus: status,
            expires: expires
        )
        let license = LicenseFacts(licensed: licensed, product: "NVIDIA RTX vWS", features: [feature])
        #expect(gpu.license == .present(license) && gpu.migMode.isAbsent)
    }

    @Test func oneLostGPUOfEightDoesNotBlindTheOthers() async throws {
        let nvml = try await facts(.oneLost, "580.105.08")
        let lost = ReadFailure(.vendor, "nvmlDeviceGetHandleByIndex_v2: 15 NVML_ERROR_GPU_IS_LOST")
        #expect(nvml.gpus.map(\.faults.isEmpty) == (0..<8).map { $0 != 3 })
        #expect(
            nvml.gpus[3].traits[.temperature] == .unreadable(lost)
                && nvml.gpus[3].fabric == .unreadable(lost)
        )
        #expect(nvml.gpus[4].traits[.temperature] == .present(.number(34)))
    }

    private func facts(_ model: HardwareModel, _ version: String) async throws -> NVMLFacts {
        let facts = try await StandInHost.with(hardware: model.text, version: version, loaded: version) { host in
            await host.prober(libraries: VendorLibraries(nvml: host.nvml, cuda: nil)).facts()
        }
        return try #require(facts.nvml.value, "\(facts.nvml)")
    }
}
