import FoundationEssentials
import Glibc
import NodeModel
import Testing
import VendorProbe

/// NVIDIA's libraries that hang or crash in a call.
@Suite struct VendorProberHangTests {
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
        let slow = StandInHost.twoH100 + "fault nvmlDeviceGetName sleep=60000 gpu=1\n"
        try await StandInHost.with(hardware: slow) { host in
            host.deadlines.beBrief()
            // A busy machine also takes its time to end a process.
            host.deadlines.ending = .seconds(2)
            let begin = ContinuousClock.now
            let facts = await host.prober().facts()
            #expect(facts.nvml.failure?.reason == .slow, "\(facts.nvml)")
            #expect(
                facts.nvml.failure?.detail.contains("nvmlDeviceGetName for GPU 1 did not return within 1.2") == true
            )
            #expect(facts.cuda == .skipped("NVML does not answer, and CUDA would wait for the same driver"))
            #expect(ContinuousClock.now - begin < .seconds(50) && host.isTidy)
        }
    }

    /// NVML and CUDA share the time of a person, and then nobody says that CUDA hangs or does not work.
    @Test func aBriefProbeDoesNotWaitLongForCUDA() async throws {
        try await StandInHost.with(hardware: StandInHost.vgpu + "fault cuInit hang\n") { host in
            host.deadlines.beBrief()
            // A busy machine also takes its time to end a process.
            host.deadlines.ending = .seconds(2)
            // The same holds for NVML.
            host.deadlines.nvml = .seconds(60)
            host.deadlines.together = .seconds(5)
            host.cudaTest = { _ in .light("nobody asked") }
            host.testsVulkan = true
            let facts = await host.prober().facts()
            #expect(facts.nvml.value?.gpus.count == 1)
            #expect(facts.cuda.failure?.reason == .slow)
            #expect(facts.cuda.failure?.detail.contains("cuInit did not return within") == true)
            let detail = "Vulkan: not called within 5.0 seconds, because the other calls took that long"
            #expect(facts.vulkan == .unreadable(ReadFailure(.slow, detail)))
            #expect(host.isTidy)
        }
    }

    @Test func aBriefProbeThatGetsItsAnswersIsLikeAnyOther() async throws {
        try await StandInHost.with(hardware: StandInHost.twoH100) { host in
            host.deadlines.together = .seconds(60)
            let facts = await host.prober().facts()
            #expect(facts.nvml.value?.gpus.count == 2 && facts.cuda.value?.map(\.works) == [true, true])
            #expect(host.isTidy)
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
}
