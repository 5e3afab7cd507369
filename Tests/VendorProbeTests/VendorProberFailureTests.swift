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
        (3, Reading<MIGAttributes>.absent),
        (13, .absent),
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
        #expect(symbol == "nvmlDeviceGetMigMode" ? gpu.migDevices == .absent : gpu.virtualization == .absent)
        #expect(symbol == "nvmlDeviceGetMigMode" ? gpu.migMode == .absent : gpu.migMode.value != nil)
    }

    /// A GPU that shares the memory of the processor has none of its own, and a driver may not know licenses.
    @Test(arguments: [3, 6])
    func memoryAndLicenseCanBeAbsent(code: Int) async throws {
        let hardware =
            StandInHost.twoH100 + "fault nvmlDeviceGetMemoryInfo_v2 code=\(code)\n"
            + "fault nvmlDeviceGetMemoryInfo code=\(code)\nfault nvmlDeviceGetGridLicensableFeatures_v4 code=\(code)\n"
        let gpus = try await StandInHost.with(hardware: hardware) { await $0.prober().facts().nvml.value?.gpus }
        #expect(gpus?.map(\.memoryMiB) == [.absent, .absent])
        #expect(gpus?.map(\.license) == [.absent, .absent])
        #expect(gpus?.allSatisfy(\.faults.isEmpty) == true)
    }

    @Test(arguments: ["nvmlInit_v2", "nvmlSystemGetNVMLVersion", "nvmlDeviceGetCount_v2"])
    func aHangingNVMLEndsAtTheDeadline(symbol: String) async throws {
        let hardware = StandInHost.vgpu + "fault \(symbol) hang\n"
        try await StandInHost.with(hardware: hardware) { host in
            host.deadlines.nvml = .milliseconds(700)
            let facts = await host.prober().facts()
            let hang = try #require(facts.nvml.failure)
            #expect(hang.reason == .hang)
            #expect(hang.detail.hasPrefix("NVML: \(symbol) did not return within 0.7 seconds (process state S"))
            // CUDA would hang in the same driver.
            #expect(facts.cuda == .skipped("NVML does not answer, and CUDA would wait for the same driver"))
            #expect(host.isTidy)
        }
    }

    @Test(arguments: [
        "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetName", "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetEccMode",
    ])
    func aHangNamesTheCallAndTheGPUAndKeepsWhatWasRead(symbol: String) async throws {
        let third = StandInHost.twoH100.split(separator: "\n")[1].replacing("gpu 1", with: "gpu 2") + "\n"
        let hardware = StandInHost.twoH100 + third + "fault \(symbol) hang gpu=1\n"
        try await StandInHost.with(hardware: hardware) { host in
            host.deadlines.nvml = .milliseconds(1500)
            let facts = await host.prober().facts()
            let nvml = try #require(facts.nvml.value)
            let hang = try #require(nvml.hang)
            #expect(hang.reason == .hang && nvml.driverVersion == "580.105.08")
            #expect(
                hang.detail.hasPrefix("NVML: \(symbol) for GPU 1 did not return within 1.5 seconds (process state S")
            )
            #expect(nvml.gpus.count == 3)
            #expect(nvml.gpus[0].name.value == "NVIDIA H100 NVL" && nvml.gpus[1].traits[.ecc] == .unreadable(hang))
            // The fields are read in this order.
            #expect((nvml.gpus[1].uuid.value != nil) == (symbol != "nvmlDeviceGetHandleByIndex_v2"))
            // What only describes the GPUs comes after the essential facts of all of them.
            let skipped = "not queried, because \(hang.detail)"
            let isDescription = symbol == "nvmlDeviceGetEccMode"
            #expect(nvml.gpus[0].traits[.ecc].isAbsent == isDescription)
            #expect(nvml.gpus[2].name == (isDescription ? .present("NVIDIA H100 NVL") : .skipped(skipped)))
            #expect(nvml.gpus[2].traits[.ecc] == .skipped(skipped) && nvml.driverBranch == .skipped(skipped))
            #expect(facts.cuda == .skipped("NVML does not answer, and CUDA would wait for the same driver"))
            #expect(host.isTidy)
        }
    }

    /// A call about the node comes last, so that it takes nothing from the GPUs.
    @Test(arguments: ["nvmlSystemGetDriverBranch", "nvmlSystemGetConfComputeSettings"])
    func aHangThatIsAboutTheNodeKeepsTheGPUs(symbol: String) async throws {
        try await StandInHost.with(hardware: StandInHost.twoH100 + "fault \(symbol) hang\n") { host in
            host.deadlines.nvml = .milliseconds(1500)
            let nvml = try #require(await host.prober().facts().nvml.value)
            let hang = try #require(nvml.hang)
            #expect(hang.detail.hasPrefix("NVML: \(symbol) did not return within 1.5 seconds (process state S"))
            #expect(nvml.confidentialComputing == .unreadable(hang))
            #expect((nvml.driverBranch == .unreadable(hang)) == (symbol == "nvmlSystemGetDriverBranch"))
            #expect(nvml.gpus.allSatisfy { $0.name.value == "NVIDIA H100 NVL" && $0.processes.value?.count == 0 })
        }
    }

    /// A process in this state waits in the driver, and its wait channel says where.
    @Test func aHangNamesTheStateOfTheProcess() async throws {
        try await StandInHost.with(hardware: StandInHost.vgpu + "fault nvmlDeviceGetUUID stuck\n") { host in
            host.deadlines.nvml = .milliseconds(1500)
            let hang = try #require(await host.prober().facts().nvml.value?.hang)
            #expect(
                hang.detail.contains("nvmlDeviceGetUUID for GPU 0 did not return within 1.5 seconds (process state D")
            )
            #expect(host.isTidy)
        }
    }

    /// A person who waits does not hear of a hang when NVML is only slow.
    @Test func aBriefProbeDoesNotCallItAHang() async throws {
        let slow = StandInHost.twoH100 + "fault nvmlDeviceGetName sleep=20000 gpu=1\n"
        try await StandInHost.with(hardware: slow) { host in
            host.deadlines.beBrief()
            let begin = ContinuousClock.now
            let facts = await host.prober().facts()
            #expect(facts.nvml.failure?.reason == .slow, "\(facts.nvml)")
            #expect(
                facts.nvml.failure?.detail.contains("nvmlDeviceGetName for GPU 1 did not return within 1.2") == true
            )
            #expect(facts.cuda == .skipped("NVML does not answer, and CUDA would wait for the same driver"))
            #expect(ContinuousClock.now - begin < .seconds(15) && host.isTidy)
        }
    }

    @Test func aCrashNamesTheCall() async throws {
        let hardware = StandInHost.twoH100 + "fault nvmlDeviceGetName crash gpu=1\n"
        let failure = try await StandInHost.with(hardware: hardware) { await $0.prober().facts().nvml.failure }
        #expect(failure?.detail.contains("NVML, in nvmlDeviceGetName for GPU 1,") == true)
    }

    @Test func aHangingCUDADoesNotTakeNVMLAlong() async throws {
        try await StandInHost.with(hardware: StandInHost.vgpu + "fault cuInit hang\n") { host in
            host.deadlines.cudaComputation = .milliseconds(700)
            let facts = await host.prober().facts()
            #expect(facts.nvml.value?.gpus.count == 1)
            #expect(facts.cuda.failure?.reason == .hang)
            #expect(facts.cuda.failure?.detail.contains("MIG-0b5e2c7a") == true)
            #expect(facts.cuda.failure?.detail.contains("cuInit did not return") == true)
            #expect(host.isTidy)
        }
    }

    @Test func aCrashIsAFactAndCUDAIsStillAsked() async throws {
        try await StandInHost.with(hardware: StandInHost.twoH100 + "fault nvmlDeviceGetName crash gpu=1\n") { host in
            let facts = await host.prober().facts()
            #expect(facts.nvml.failure?.reason == .crashed)
            #expect(facts.nvml.failure?.detail.contains("signal 11") == true)
            #expect(facts.cuda.value?.map(\.deviceCount) == [2])
            #expect(host.isTidy)
        }
    }

    @Test func librariesThatTheHostDoesNotHaveAreAbsent() async throws {
        try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            let none = await host.prober(libraries: VendorLibraries(nvml: nil, cuda: nil)).facts()
            #expect(none == VendorFacts(nvml: .absent, cuda: .absent))
            let some = await host.prober(libraries: VendorLibraries(nvml: nil, cuda: host.cuda)).facts()
            #expect(some.nvml == .absent)
            #expect(some.cuda.value?.map(\.deviceCount) == [1])
        }
    }

    @Test func aFileThatIsNoLibraryIsNamed() async throws {
        try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            try Toolbox.write("not a library", to: host.nvml)
            try FileManager.default.removeItem(atPath: host.cuda)
            let facts = await host.prober().facts()
            #expect(facts.nvml.failure?.reason == .library)
            #expect(facts.nvml.failure?.detail.contains(host.nvml) == true)
            #expect(facts.cuda.failure?.reason == .library)
            #expect(facts.cuda.failure?.detail.contains(host.cuda) == true)
        }
    }

    /// What the loader would call "no such file" or a bus error is called by its name.
    @Test func aDamagedLibraryIsCalledSo() async throws {
        try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            let whole = try Data(contentsOf: URL(filePath: host.nvml))
            var foreign = whole
            // e_machine: s390x, which neither of the agent's processors is.
            foreign[18] = 22
            var narrow = whole
            narrow[4] = 1
            for (bytes, fault) in [
                (whole.prefix(whole.count / 2), LibraryFault.truncated), (whole.prefix(100), .truncated),
                (whole.prefix(20), .truncated), (Data(), .truncated), (Data("not a library".utf8), .notALibrary),
                (foreign, .otherArchitecture), (narrow, .otherArchitecture),
            ] {
                try Data(bytes).write(to: URL(filePath: host.nvml))
                let failure = await host.prober().facts().nvml.failure
                #expect(failure.flatMap(LibraryFault.init) == fault, "\(failure?.detail ?? "no failure")")
                #expect(failure?.detail.contains(host.nvml) == true)
            }
        }
    }

    @Test(
        arguments: [
            ("chmod 0666 FILE", "has mode 666"), ("chmod 0775 FILE", "has mode 775"),
            ("chown 65534 FILE", "belongs to user 65534"), ("chmod 0777 DIRECTORY", "has mode 777"),
            ("chown 65534 DIRECTORY", "belongs to user 65534"), ("chmod 1777 DIRECTORY", nil), ("chmod 0444 FILE", nil),
        ] as [(String, String?)]
    )
    func aLibraryThatOthersCanChangeIsNotLoaded(change: String, why: String?) async throws {
        guard geteuid() == 0 else { try Test.cancel("only root gives files away") }
        try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            let command = change.replacing("FILE", with: "'\(host.nvml)'")
                .replacing("DIRECTORY", with: "'\(host.root)/usr/lib'")
            try await Toolbox.run("sh", ["-c", command])
            let nvml = await host.prober().facts().nvml
            #expect((nvml.value == nil) == (why != nil))
            guard let why else { return }
            #expect(nvml.failure.flatMap(LibraryFault.init) == .untrusted)
            #expect(nvml.failure?.detail.hasSuffix(why) == true, "\(nvml.failure?.detail ?? "")")
        }
    }

    @Test func aFunctionThatTheLibraryLacksIsNamed() async throws {
        let facts = try await StandInHost.with(
            hardware: StandInHost.vgpu,
            defines: "-DSTANDIN_WITHOUT_MIG_MODE"
        ) { host in
            let facts = await host.prober().facts()
            #expect(facts.nvml.failure?.detail == "\(host.nvml): no symbol nvmlDeviceGetMigMode")
            return facts
        }
        #expect(facts.nvml.failure?.reason == .library)
        #expect(facts.cuda.value != nil)
    }
}
