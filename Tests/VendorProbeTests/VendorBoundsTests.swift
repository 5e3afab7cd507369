import NodeModel
import Testing
import VendorProbe

/// Libraries that return impossible counts or take memory without end.
@Suite struct VendorBoundsTests {
    @Test(arguments: [65, 5_000, 3_000_000, 4_294_967_295])
    func anImpossibleNumberOfGPUsIsMalformed(count: Int) async throws {
        let hardware = StandInHost.vgpu + "fault nvmlDeviceGetCount_v2 count=\(count)\n"
        let facts = try await StandInHost.with(hardware: hardware) { await $0.prober().facts() }
        let detail = "nvmlDeviceGetCount_v2: \(count) GPUs, but at most 64 are possible"
        #expect(facts.nvml == .unreadable(ReadFailure(.malformed, detail)))
    }

    @Test(arguments: [65, 4_294_967_295])
    func anImpossibleNumberOfMIGDevicesIsMalformed(count: Int) async throws {
        let hardware = StandInHost.vgpu + "fault nvmlDeviceGetMaxMigDeviceCount count=\(count)\n"
        let facts = try await StandInHost.with(hardware: hardware) { await $0.prober().facts() }
        let detail = "nvmlDeviceGetMaxMigDeviceCount: \(count) MIG devices on one GPU, but at most 64 are possible"
        #expect(facts.nvml.value?.gpus.first?.migDevices == .unreadable(ReadFailure(.malformed, detail)))
    }

    /// A library that asks for more room each time must not keep the agent in a loop.
    @Test(arguments: [4_194_305, 4_294_967_280, 4_294_967_295])
    func anImpossibleNumberOfProcessesIsMalformed(count: Int) async throws {
        let symbol = "nvmlDeviceGetComputeRunningProcesses_v3"
        let facts = try await StandInHost.with(hardware: StandInHost.vgpu + "fault \(symbol) count=\(count)\n") {
            await $0.prober().facts()
        }
        let detail = "\(symbol): \(count) processes, but at most 4194304 are possible"
        #expect(facts.nvml.value?.gpus.first?.processes == .unreadable(ReadFailure(.malformed, detail)))
    }

    @Test(arguments: [65, 2_147_483_647, 4_294_967_295])
    func anImpossibleNumberOfCUDADevicesIsMalformed(count: Int) async throws {
        let hardware = StandInHost.twoH100 + "fault cuDeviceGetCount count=\(count)\n"
        let facts = try await StandInHost.with(hardware: hardware) { await $0.prober().facts() }
        #expect(facts.cuda.failure?.reason == .malformed)
        #expect(facts.cuda.failure?.detail.contains("at most 64 are possible") == true)
    }

    @Test func aLibraryThatTakesAllMemoryEndsItsChildOnly() async throws {
        try await StandInHost.with(hardware: StandInHost.vgpu + "fault nvmlDeviceGetName eat\n") { host in
            let facts = await host.prober().facts()
            #expect(facts.nvml.failure?.reason == .crashed)
            // The stand-in calls abort when malloc fails: the kernel did not have to kill anything.
            #expect(facts.nvml.failure?.detail.contains("signal 6") == true)
            #expect(host.isTidy)
        }
    }
}
