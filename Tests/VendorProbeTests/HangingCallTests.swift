import NodeModel
import Testing
import VendorProbe

/// A hang in one call of each class: it ends at the deadline, and the failure names the call and the GPU.
///
/// `VendorProberHangTests` has what is kept of the other calls.
@Suite struct HangingCallTests {
    private static let deadline = Duration.milliseconds(1500)

    /// Every call here is about a GPU that has all traits, MIG devices, links and processes.
    @Test(
        arguments: [
            // Numbers, texts and structs about a GPU, its memory and its license.
            "nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetUUID", "nvmlDeviceGetMemoryInfo_v2",
            "nvmlDeviceGetCudaComputeCapability", "nvmlDeviceGetVirtualizationMode",
            "nvmlDeviceGetGridLicensableFeatures_v4", "nvmlDeviceGetSerial", "nvmlDeviceGetMinorNumber",
            "nvmlDeviceGetMaxClockInfo", "nvmlDeviceGetSramEccErrorStatus", "nvmlDeviceGetFieldValues",
            "nvmlDeviceGetTemperatureV", "nvmlDeviceGetUtilizationRates",
            // MIG.
            "nvmlDeviceGetMigMode", "nvmlDeviceGetMaxMigDeviceCount", "nvmlDeviceGetMigDeviceHandleByIndex",
            "nvmlDeviceGetGpuInstanceId", "nvmlDeviceGetAttributes_v2", "nvmlDeviceGetGpuInstanceById",
            "nvmlGpuInstanceGetInfo", "nvmlComputeInstanceGetInfo_v2", "nvmlDeviceGetGpuInstanceProfileInfoV",
            // Connections and processes.
            "nvmlDeviceGetNvLinkState", "nvmlDeviceGetGpuFabricInfoV", "nvmlDeviceGetComputeRunningProcesses_v3",
            "nvmlDeviceGetGraphicsRunningProcesses_v3",
        ]
    )
    func aboutAGPU(_ symbol: String) async throws {
        try await withHang(symbol) { host in
            host.deadlines.nvml = Self.deadline
            let nvml = try #require(await host.prober().facts().nvml.value)
            try check(nvml.hang, "NVML: \(symbol) for GPU 0")
            #expect(nvml.gpus.count == 2 && nvml.driverVersion == host.version)
        }
    }

    @Test(arguments: [
        "nvmlDeviceGetGpuInstancePossiblePlacements_v2", "nvmlDeviceGetGpuInstances", "nvmlGpuInstanceGetInfo",
        "nvmlGpuInstanceGetComputeInstanceProfileInfo", "nvmlGpuInstanceGetComputeInstances",
    ])
    func aboutALayout(_ symbol: String) async throws {
        try await withHang(symbol) { host in
            host.deadlines.nvml = Self.deadline
            try check(await host.prober().migInventory().failure, "MIG: \(symbol) for GPU 0")
        }
    }

    @Test(
        arguments: [
            ("nvmlDeviceSetMigMode", [.setMode(false)]),
            ("nvmlComputeInstanceDestroy", [.destroyCompute(0, in: 9)]),
            ("nvmlDeviceCreateGpuInstanceWithPlacement", [create]),
            ("nvmlGpuInstanceCreateComputeInstance", [create]),
        ] as [(String, [MIGStep])]
    )
    func inAChange(_ symbol: String, _ steps: [MIGStep]) async throws {
        try await withHang(symbol) { host in
            host.deadlines.migChange = Self.deadline
            let change = MIGChange(uuid: "GPU-0", steps: steps)
            try check(await host.prober().make(change).failure, "the change of MIG: \(symbol) for GPU 0")
        }
    }

    private static let create = MIGStep.create(
        MIGOffer(id: 19, name: "1g.5gb", slices: 1, instances: 7, placements: .absent),
        at: MIGSpan(start: 1, size: 1),
        compute: [1]
    )

    @Test(arguments: [
        "cuInit", "cuDeviceGetCount", "cuDevicePrimaryCtxRetain", "cuMemAlloc_v2", "cuMemcpyHtoD_v2",
        "cuModuleLoadData", "cuLaunchKernel", "cuCtxSynchronize", "cuMemcpyDtoH_v2", "cuMemFree_v2",
    ])
    func ofCUDA(_ symbol: String) async throws {
        try await withHang(symbol) { host in
            host.deadlines.cudaComputation = Self.deadline
            let facts = await host.prober().facts()
            #expect(facts.nvml.value?.hang == nil && facts.nvml.value?.gpus.count == 2)
            let hang = try #require(facts.cuda.failure)
            #expect(hang.reason == .hang)
            #expect(hang.detail.hasPrefix("CUDA on MIG-0: \(symbol) did not return within 1."), "\(hang.detail)")
        }
    }

    @Test(arguments: [
        "vkCreateInstance", "vkEnumeratePhysicalDevices", "vkGetPhysicalDeviceProperties2",
        "vkGetPhysicalDeviceQueueFamilyProperties", "vkCreateDevice", "vkDestroyDevice", "vkDestroyInstance",
    ])
    func ofVulkan(_ symbol: String) async throws {
        try await withHang(symbol) { host in
            host.testsVulkan = true
            host.deadlines.vulkan = Self.deadline
            try check(await host.prober().facts().vulkan.failure, "Vulkan: \(symbol)")
        }
    }

    /// Calls `body` with a host on which a call hangs, and checks that nothing is left of it.
    private func withHang(_ symbol: String, _ body: (inout StandInHost) async throws -> Void) async throws {
        let host = LibraryNoise(symbol: symbol)
        try await StandInHost.with(
            hardware: host.hardware + "fault \(symbol) hang\n",
            version: host.version,
            loaded: host.version
        ) { host in
            try await body(&host)
            #expect(host.isTidy)
        }
    }

    private func check(_ failure: ReadFailure?, _ call: String) throws {
        let hang = try #require(failure)
        #expect(hang.reason == .hang)
        let detail = hang.detail.replacing(" for the GPU 0000:10:00.0", with: "")
        #expect(detail.hasPrefix("\(call) did not return within 1.5 seconds (process state S"), "\(hang.detail)")
    }
}
