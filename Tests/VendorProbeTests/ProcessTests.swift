import NodeModel
import Testing
import VendorProbe

/// The processes on a GPU, and the settings of confidential computing.
@Suite struct ProcessTests {
    private func nvml(_ lines: String, version: String = "595.91.07") async throws -> NVMLFacts {
        let hardware = StandInHost.twoH100 + lines
        let facts = try await StandInHost.with(hardware: hardware, version: version, loaded: version) {
            host in
            await host.prober(libraries: VendorLibraries(nvml: host.nvml, cuda: nil)).facts()
        }
        return try #require(facts.nvml.value, "\(facts.nvml)")
    }

    @Test(arguments: ["470.256.02", "595.91.07"])
    func areListedForTheirGPU(_ version: String) async throws {
        let gpus = try await nvml(
            "process 1 pid=4711 memoryMiB=512\nprocess 1 pid=4712 gi=7 ci=0\nprocess 1 pid=88 graphics memoryMiB=9\n",
            version: version
        ).gpus
        #expect(gpus[0].processes == .present(GPUProcesses(count: 0, list: [])))
        let list = [
            GPUProcess(pid: 4711, kind: .compute, memoryMiB: 512),
            GPUProcess(pid: 4712, kind: .compute, memoryMiB: nil, gpuInstanceID: 7, computeInstanceID: 0),
            GPUProcess(pid: 88, kind: .graphics, memoryMiB: 9),
        ]
        #expect(gpus[1].processes == .present(GPUProcesses(count: 3, list: list)))
    }

    @Test(arguments: [64, 65, 200, 1024, 1500])
    func areListedUpToALimit(count: Int) async throws {
        let lines = (0..<count).map { "process 0 pid=\($0 + 1) memoryMiB=1\n" }.joined()
        let processes = try #require(try await nvml(lines).gpus[0].processes.value)
        #expect(processes.count == count)
        #expect(processes.list.map(\.pid) == (count > 1024 ? [] : Array(1...GPUProcesses.limit)))
    }

    @Test func areAbsentWithoutTheRight() async throws {
        let faults = ["Compute", "Graphics"].map {
            "fault nvmlDeviceGet\($0)RunningProcesses_v3 code=4\n"
        }.joined()
        let why = "nvmlDeviceGetComputeRunningProcesses_v3: 4 NVML_ERROR_NO_PERMISSION"
        for gpu in try await nvml(faults).gpus { #expect(gpu.processes == .absentBecause(why)) }
    }

    /// A GPU that only computes has no list of graphics processes.
    @Test func ofOneKindAreEnough() async throws {
        let lines = "process 0 pid=1\nfault nvmlDeviceGetGraphicsRunningProcesses_v3 code=3\n"
        #expect(try await nvml(lines).gpus[0].processes.value?.list.map(\.pid) == [1])
    }

    @Test(
        arguments: [
            ("535.261.03", nil), ("550.163.01", "protected-pcie"), ("595.91.07", "protected-pcie"),
        ] as [(String, String?)]
    )
    func confidentialComputingIsThatOfTheNode(_ version: String, _ mode: String?) async throws {
        let facts = try await nvml(
            "system ccEnvironment=2 ccFeature=1 ccMultiGpu=1 ccReady=0\n",
            version: version
        )
        let settings = ConfidentialComputing(
            environment: "production",
            feature: "on",
            developerTools: false,
            multiGPU: mode,
            acceptsWork: false
        )
        #expect(facts.confidentialComputing == .present(settings))
    }

    @Test func aDriverWithoutConfidentialComputingHasNone() async throws {
        let why = "the driver has no function nvmlSystemGetConfComputeSettings"
        #expect(try await nvml("", version: "470.256.02").confidentialComputing == .absentBecause(why))
    }

    /// A call that hangs in what only describes a GPU keeps everything that was read before it.
    @Test func aHangInTheLastCallKeepsTheOthers() async throws {
        let hardware =
            StandInHost.twoH100 + "fault nvmlDeviceGetComputeRunningProcesses_v3 hang gpu=1\n"
        let facts = try await StandInHost.with(hardware: hardware) { host in
            host.deadlines.nvml = .milliseconds(1500)
            return await host.prober().facts()
        }
        let gpus = try #require(facts.nvml.value?.gpus)
        let symbol = "nvmlDeviceGetComputeRunningProcesses_v3"
        let hang = try #require(facts.nvml.value?.hang)
        #expect(hang.detail.hasPrefix("NVML: \(symbol) for GPU 1 did not return within 1.5 seconds"))
        #expect(gpus[1].processes == .unreadable(hang))
        #expect(
            gpus[1].name.value == "NVIDIA H100 NVL" && gpus[1].nvlink.isAbsent && gpus[1].fabric.isAbsent
        )
        #expect(GPUTrait.allCases.allSatisfy { gpus[1].traits[$0] == gpus[0].traits[$0] })
    }
}
