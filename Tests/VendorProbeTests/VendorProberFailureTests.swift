import FoundationEssentials
import Glibc
import NodeModel
import Testing
import VendorProbe

/// The real child process with the stand-in libraries, on hosts with faults.
@Suite struct VendorProberFailureTests {
    @Test func saysThatTheDriverIsNotLoaded() async throws {
        let facts = try await StandInHost.with(hardware: StandInHost.vgpu, loaded: nil) { await $0.prober().facts() }
        #expect(facts.nvml == .unreadable(ReadFailure(.vendor, "nvmlInit_v2: 9 NVML_ERROR_DRIVER_NOT_LOADED")))
        #expect(facts.cuda.value?.map(\.errorName) == ["CUDA_ERROR_NO_DEVICE"])
    }

    @Test func saysThatTheModuleIsOfAnotherVersion() async throws {
        let facts = try await StandInHost.with(hardware: StandInHost.vgpu, loaded: "570.211.01") {
            await $0.prober().facts()
        }
        #expect(facts.nvml == .unreadable(ReadFailure(.vendor, "nvmlInit_v2: 18 NVML_ERROR_LIB_RM_VERSION_MISMATCH")))
        let cuda = CUDAFacts(
            visibleDevices: nil,
            result: 803,
            errorName: "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
            failedCall: "cuInit",
            deviceCount: 0,
            computation: .absent
        )
        #expect(facts.cuda == .present([cuda]))
    }

    @Test(arguments: [
        (4, "NVML_ERROR_NO_PERMISSION"), (12, "NVML_ERROR_LIBRARY_NOT_FOUND"), (15, "NVML_ERROR_GPU_IS_LOST"),
        (16, "NVML_ERROR_RESET_REQUIRED"), (999, "NVML_ERROR_UNKNOWN"), (777, "NVML_ERROR_777"),
    ])
    func keepsTheCodeOfAFailedStart(code: Int, name: String) async throws {
        let hardware = StandInHost.vgpu + "fault nvmlInit_v2 code=\(code)\n"
        let facts = try await StandInHost.with(hardware: hardware) { await $0.prober().facts() }
        #expect(facts.nvml == .unreadable(ReadFailure(.vendor, "nvmlInit_v2: \(code) \(name)")))
    }

    @Test func aLostGPUDoesNotHideTheOthers() async throws {
        let hardware = StandInHost.twoH100 + "fault nvmlDeviceGetHandleByIndex_v2 code=15 gpu=0\n"
        let facts = try await StandInHost.with(hardware: hardware) { await $0.prober().facts() }
        let gpus = try #require(facts.nvml.value?.gpus)
        let lost = ReadFailure(.vendor, "nvmlDeviceGetHandleByIndex_v2: 15 NVML_ERROR_GPU_IS_LOST")
        #expect(gpus.map(\.uuid) == [.unreadable(lost), .present("GPU-00000000-0000-0000-0000-00000000000b")])
        #expect(gpus[0].pciAddress.failure == lost)
        #expect(gpus[0].license.failure == lost)
        #expect(gpus[1].memoryMiB == .present(95830))
    }

    /// A call that fails for one GPU, and the field that is then unreadable.
    struct FailedCall: Sendable, CustomTestStringConvertible {
        var symbol: String
        var failure: @Sendable (GPUFacts) -> ReadFailure?

        var testDescription: String { symbol }

        init(_ symbol: String, _ failure: @escaping @Sendable (GPUFacts) -> ReadFailure?) {
            self.symbol = symbol
            self.failure = failure
        }

        static let all =
            [
                FailedCall("nvmlDeviceGetPciInfo_v3") { $0.pciAddress.failure },
                FailedCall("nvmlDeviceGetUUID") { $0.uuid.failure },
                FailedCall("nvmlDeviceGetName") { $0.name.failure },
                FailedCall("nvmlDeviceGetMemoryInfo_v2") { $0.memoryMiB.failure },
                FailedCall("nvmlDeviceGetCudaComputeCapability") { $0.computeCapability.failure },
                FailedCall("nvmlDeviceGetMigMode") { $0.migMode.failure },
                FailedCall("nvmlDeviceGetVirtualizationMode") { $0.virtualization.failure },
                FailedCall("nvmlDeviceGetGridLicensableFeatures_v4") { $0.license.failure },
            ] + GPUTrait.allCases.map { trait in FailedCall(trait.declaration.symbol) { $0.traits[trait].failure } }
    }

    @Test(arguments: FailedCall.all)
    func oneFailedCallLeavesTheOtherFields(call: FailedCall) async throws {
        let hardware = StandInHost.twoH100 + "fault \(call.symbol) code=15 gpu=1\n"
        let facts = try await StandInHost.with(hardware: hardware, version: "595.91.07", loaded: "595.91.07") {
            await $0.prober().facts()
        }
        let gpus = try #require(facts.nvml.value?.gpus)
        let lost = ReadFailure(.vendor, "\(call.symbol): 15 NVML_ERROR_GPU_IS_LOST")
        for other in FailedCall.all {
            #expect(other.failure(gpus[0]) == nil)
            #expect(other.failure(gpus[1]) == (other.symbol == call.symbol ? lost : nil))
        }
        // Whether there are MIG devices follows from the mode.
        #expect(gpus[1].migDevices.failure == (call.symbol == "nvmlDeviceGetMigMode" ? lost : nil))
    }

    @Test(arguments: [
        "nvmlDeviceGetMaxMigDeviceCount", "nvmlDeviceGetMigDeviceHandleByIndex", "nvmlDeviceGetGpuInstanceId",
    ])
    func aFailedCallAboutAMIGDeviceLeavesTheGPU(symbol: String) async throws {
        let hardware = StandInHost.vgpu + "fault \(symbol) code=999\n"
        let facts = try await StandInHost.with(hardware: hardware) { await $0.prober().facts() }
        let gpu = try #require(facts.nvml.value?.gpus.first)
        #expect(gpu.migDevices == .unreadable(ReadFailure(.vendor, "\(symbol): 999 NVML_ERROR_UNKNOWN")))
        #expect(gpu.migMode.value?.current == true)
        #expect(gpu.name.value != nil)
    }

    @Test(arguments: [
        (3, Reading<MIGAttributes>.absentBecause("nvmlDeviceGetAttributes_v2: 3 NVML_ERROR_NOT_SUPPORTED")),
        (13, .absentBecause("nvmlDeviceGetAttributes_v2: 13 NVML_ERROR_FUNCTION_NOT_FOUND")),
        (999, .unreadable(ReadFailure(.vendor, "nvmlDeviceGetAttributes_v2: 999 NVML_ERROR_UNKNOWN"))),
    ])
    func attributesThatNVMLDoesNotGiveLeaveTheDevice(code: Int, expected: Reading<MIGAttributes>) async throws {
        let hardware = StandInHost.vgpu + "fault nvmlDeviceGetAttributes_v2 code=\(code)\n"
        let facts = try await StandInHost.with(hardware: hardware) { await $0.prober().facts() }
        let device = try #require(facts.nvml.value?.gpus.first?.migDevices.value?.first)
        #expect(device.attributes == expected)
        #expect(device.memoryMiB == 95616)
    }

    @Test(arguments: ["nvmlDeviceGetMigMode", "nvmlDeviceGetVirtualizationMode"], [3, 6, 13])
    func whatADeviceDoesNotSupportIsAbsent(symbol: String, code: Int) async throws {
        let hardware = StandInHost.vgpu + "fault \(symbol) code=\(code)\n"
        let facts = try await StandInHost.with(hardware: hardware) { await $0.prober().facts() }
        let gpu = try #require(facts.nvml.value?.gpus.first)
        #expect(symbol == "nvmlDeviceGetMigMode" ? gpu.migDevices.isAbsent : gpu.virtualization.isAbsent)
        #expect(symbol == "nvmlDeviceGetMigMode" ? gpu.migMode.isAbsent : gpu.migMode.value != nil)
    }

    /// A GPU that shares the memory of the processor has none of its own, and a driver may not know licenses.
    @Test(arguments: [3, 6])
    func memoryAndLicenseCanBeAbsent(code: Int) async throws {
        let hardware =
            StandInHost.twoH100 + "fault nvmlDeviceGetMemoryInfo_v2 code=\(code)\n"
            + "fault nvmlDeviceGetMemoryInfo code=\(code)\nfault nvmlDeviceGetGridLicensableFeatures_v4 code=\(code)\n"
        let gpus = try await StandInHost.with(hardware: hardware) { await $0.prober().facts().nvml.value?.gpus }
        #expect(gpus?.allSatisfy(\.memoryMiB.isAbsent) == true)
        #expect(gpus?.allSatisfy(\.license.isAbsent) == true)
        #expect(gpus?.allSatisfy(\.faults.isEmpty) == true)
    }
}
